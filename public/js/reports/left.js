/** What a check left alone: for a person to look at, not found, or moved meanwhile. */

import { el } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";

const LONGEST_ID = 12;
const DIVERGENCES = {
  MISSING_IN_OPENTABLE: "Not at OpenTable",
  UNREADABLE: "Not readable",
  CONFLICTING_VERSION: "OpenTable contradicts itself",
  VERSION_BEHIND: "OpenTable is behind us",
  WRONG_TIME_ZONE: "Wrong time zone",
  CREATE_FAILED: "Could not be added",
  UPDATE_FAILED: "Could not be corrected",
};

/** The lists of what a report left alone, each with its heading; those that are empty left out. */
export function leftAlone(house, { divergences, missing, skipped }) {
  return [
    listed("What a person must look at", ["Reservation", "What", "Why"], divergences.map((entry) =>
      [storyLink(house, entry), DIVERGENCES[entry.type] ?? entry.type, entry.reason])),
    listed("Not in OpenTable's answer", ["Reservation"], missing.map((entry) => [storyLink(house, entry)])),
    listed("Skipped, as it had moved", ["Reservation", "Why"], skipped.map((entry) =>
      [storyLink(house, entry), entry.reason])),
  ];
}

/** The link to the story of an entry's reservation. */
export function storyLink(house, { reservationId, externalId }) {
  if (!reservationId) return "Unknown";
  const short = externalId.length > LONGEST_ID ? `${externalId.slice(0, LONGEST_ID)}…` : externalId;
  return el("a", { href: house.way("story", reservationId), title: externalId }, short);
}

function listed(heading, headings, rows) {
  return rows.length ? [el("h2", {}, heading), table(heading, headings, rows)] : null;
}
