/** What a host must know before relying on a row. */

const NOT_COMPLETE = "Not complete yet";
const DISAGREES = "Check at OpenTable";

/** A row's doubt in a few words; empty where there is none. */
export function doubt({ startAt, partySize, reconciliationStatus }) {
  if (startAt === null || partySize === null) return NOT_COMPLETE;
  return reconciliationStatus === "DIVERGED" ? DISAGREES : "";
}

/** The same in sentences that say what to do. */
export function doubtInSentences(reservation) {
  return {
    [NOT_COMPLETE]: "OpenTable told of a change before the booking itself; the rest follows by itself within the hour.",
    [DISAGREES]: "The hourly check found this reservation in doubt: look it up at OpenTable. Reports tells what was found.",
  }[doubt(reservation)];
}
