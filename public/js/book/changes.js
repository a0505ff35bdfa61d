/** What changed between two looks at a day, in words to be heard. */

import { statusWord } from "../words.js";

const MOST_TOLD = 3;
const BECAME = {
  CHECKED_IN: "has arrived",
  SEATED: "is seated",
  COMPLETED: "has left",
  CANCELLED: "is cancelled",
  NO_SHOW: "did not come",
  CONFIRMED: "is confirmed",
};

/**
 * Compare two looks at one day.
 * @returns {Array<{id: string, text: string}>}
 */
export function changesBetween(before, after) {
  const held = byId(before);
  const now = byId(after);
  const changes = [...now.values()].map((each) => ({ id: each.id, text: changeOf(held.get(each.id), each) }));
  const left = [...held.values()].filter(({ id }) => !now.has(id));
  return [
    ...changes.filter(({ text }) => text),
    ...left.map(({ id, dinerName }) => ({ id, text: `${dinerName} is no longer on this day.` })),
  ];
}

/** Changes in words; of many, only how many. */
export function inWords(changes) {
  if (changes.length > MOST_TOLD) return `${changes.length} reservations changed.`;
  return changes.map(({ text }) => text).join(" ");
}

function byId({ reservations, incomplete }) {
  return new Map([...reservations, ...incomplete].map((each) => [each.id, each]));
}

function changeOf(was, is) {
  const { dinerName: name, localTime, partySize } = is;
  if (!was) return `New: ${name}, ${partySize ?? "?"} at ${localTime ?? "a time not known yet"}.`;
  const said = [
    was.status !== is.status && (BECAME[is.status] ?? `is now ${statusWord(is.status).toLowerCase()}`),
    was.localTime !== localTime && `moved from ${was.localTime ?? "?"} to ${localTime ?? "?"}`,
    was.partySize !== partySize && `is now ${partySize} instead of ${was.partySize ?? "?"}`,
    String(was.tableNumbers) !== String(is.tableNumbers) && `has table ${is.tableNumbers.join(", ") || "none"}`,
    was.specialRequests !== is.specialRequests && "has another request",
    was.venueNotes !== is.venueNotes && "has another note",
    was.dinerName !== name && `was ${was.dinerName}`,
  ].filter(Boolean);
  return said.length ? `${name} ${said.join(", ")}.` : "";
}
