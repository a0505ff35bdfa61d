/** Who is late: what a host looks for when a table stands empty. */

const MINUTE = 60_000;
const GRACE_MINUTES = 15;
// Later than this, nobody is waited for: the status was simply not kept.
const GIVEN_UP_MINUTES = 240;
const STEP_MINUTES = 5;
const AWAITED = new Set(["BOOKED", "CONFIRMED"]);
let isLeftOut = false;

/** Call nobody late: a simulated evening has a clock of its own, which this page does not know. */
export function leaveLatenessOut() {
  isLeftOut = true;
}

/**
 * How late a party is, in words; empty where it is not.
 * @param {object} reservation
 * @param {number} now In milliseconds.
 */
export function lateness({ status, startAt, source }, now = Date.now()) {
  if (!AWAITED.has(status) || !startAt) return "";
  const passed = (now - Date.parse(startAt)) / MINUTE;
  if (!isLeftOut && passed >= GRACE_MINUTES && passed <= GIVEN_UP_MINUTES) {
    return `${Math.floor(passed / STEP_MINUTES) * STEP_MINUTES} min late`;
  }
  return source.state === "Late" ? "Will be late" : "";
}
