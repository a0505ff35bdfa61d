/** Repeated requests: never while the page is hidden, and less often after failures. */

import { ApiError } from "../api-client.js";
import { useEffect, useRef } from "./view.js";

const MAX_PAUSE_MS = 30_000;

/**
 * Call `refresh` now and then repeatedly.
 * @param {() => Promise<void>} refresh
 * @param {number} pauseMs Between the end of one call and the start of the next.
 * @returns {{now: () => void, stop: () => void}}
 */
export function startPolling(refresh, pauseMs) {
  let timer;
  let failures = 0;
  let isRunning = false;
  let isRequested = false;
  let isStopped = false;

  async function run() {
    clearTimeout(timer);
    isRequested = isRunning;
    if (isRunning || isStopped || document.hidden) return;
    isRunning = true;
    try {
      await refresh();
      failures = 0;
    } catch (error) {
      failures += 1;
      // `refresh` shows failed calls itself; anything else is a bug.
      if (!(error instanceof ApiError)) reportError(error);
    }
    isRunning = false;
    if (isStopped) return;
    timer = setTimeout(run, isRequested ? 0 : Math.min(pauseMs * 2 ** failures, MAX_PAUSE_MS));
  }

  document.addEventListener("visibilitychange", run);
  addEventListener("online", run);
  run();
  return {
    now: run,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", run);
      removeEventListener("online", run);
    },
  };
}

/**
 * Poll while a component is mounted; restarts when `dependencies` change.
 * @returns {() => void} Requests a refresh at once.
 */
export function usePolling(refresh, pauseMs, dependencies) {
  // The newest closure, so that a refresh sees the current state.
  const newest = useRef(refresh);
  newest.current = refresh;
  const polling = useRef(null);
  useEffect(() => {
    polling.current = startPolling(() => newest.current(), pauseMs);
    return () => polling.current.stop();
  }, dependencies);
  return () => polling.current?.now();
}
