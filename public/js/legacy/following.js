/** Following something that changes: again and again, never while the page is hidden. */

const LONGEST_PAUSE_MS = 30_000;

/**
 * Call a refresh now and then on; after failures ever less often.
 * @param {() => Promise<void>} refresh
 * @param {number} pauseMs Between the end of one and the start of the next.
 * @returns {{now: () => void, stop: () => void}} `now` refreshes at once.
 */
export function follow(refresh, pauseMs) {
  let timer;
  let failures = 0;
  let underWay = false;
  let wanted = false;
  let stopped = false;

  async function turn() {
    clearTimeout(timer);
    wanted = underWay;
    if (underWay || stopped || document.hidden) return;
    underWay = true;
    try {
      await refresh();
      failures = 0;
    } catch {
      failures += 1; // The refresh itself has told the reader.
    }
    underWay = false;
    const pause = Math.min(pauseMs * 2 ** failures, LONGEST_PAUSE_MS);
    timer = setTimeout(turn, wanted ? 0 : pause);
  }

  document.addEventListener("visibilitychange", turn);
  addEventListener("online", turn);
  turn();
  return {
    now: turn,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", turn);
      removeEventListener("online", turn);
    },
  };
}
