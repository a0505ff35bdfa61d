/** The ledger's codes in the words of people who work in a restaurant. */

import { moment } from "./times.js";

/** Each status: its word and the mark that stands for it where colour cannot be seen. */
export const STATUSES = {
  BOOKED: { word: "Booked", mark: "○" },
  CONFIRMED: { word: "Confirmed", mark: "●" },
  CHECKED_IN: { word: "Arrived", mark: "▲" },
  SEATED: { word: "Seated", mark: "■" },
  COMPLETED: { word: "Left", mark: "✓" },
  NO_SHOW: { word: "No-show", mark: "–" },
  CANCELLED: { word: "Cancelled", mark: "✕" },
};

/** Which covers do not come. */
export const NOT_COMING = new Set(["CANCELLED", "NO_SHOW"]);

const FIELDS = {
  dinerName: "Name",
  partySize: "Party",
  startAt: "Time",
  status: "Status",
  "source.state": "OpenTable's state",
  "metadata.tableNumbers": "Table",
  "metadata.specialRequests": "Request",
  "metadata.venueNotes": "Our note",
  "metadata.openTableNotes": "OpenTable's note",
  "metadata.server": "Server",
  "metadata.visitTags": "Tags",
  "metadata.cancellationReason": "Reason",
  phone: "Phone",
  email: "E-mail",
  arrivedAt: "Arrived",
  seatedAt: "Seated",
  completedAt: "Left",
};
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/;

/** A status in a word. */
export function statusWord(status) {
  return STATUSES[status]?.word ?? status ?? "Unknown";
}

/** What a field is called, undefined for the bundle's own bookkeeping. */
export function fieldWord(path) {
  return FIELDS[path];
}

/** A field's value as a person reads it. */
export function valueInWords(path, value, zone) {
  if (value == null || value === "" || value.length === 0) return "nothing";
  if (path === "status") return statusWord(value);
  if (typeof value === "string" && INSTANT.test(value)) return moment(value, zone);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * Those changes that a person would see, the most telling first.
 * @param {Object<string, {from: unknown, to: unknown}>} changes By field.
 * @returns {Array<[string, {from: unknown, to: unknown}]>}
 */
export function seenChanges(changes) {
  return Object.keys(FIELDS)
    .filter((path) => path in changes && shownAs(changes[path].from) !== shownAs(changes[path].to))
    .map((path) => [path, changes[path]]);
}

function shownAs(value) {
  return value == null || value.length === 0 ? "null" : JSON.stringify(value);
}
