/** What changed between two responses about a day, in words. */

import { labels, statusText } from "../ui/labels.js";

const MAX_DESCRIBED = 3;
const words = labels.changes;

/**
 * Compare two responses about one day.
 * @returns {Array<{id: string, text: string}>}
 */
export function listChanges(before, after, format) {
  const previous = mapById(before);
  const current = mapById(after);
  const changes = [...current.values()].map((each) => ({ id: each.id, text: describeChange(previous.get(each.id), each, format) }));
  const gone = [...previous.values()].filter(({ id }) => !current.has(id));
  const removed = new Set(after.removed.map(({ id }) => id));
  return [
    ...changes.filter(({ text }) => text),
    ...gone.map(({ id, dinerName }) => ({ id, text: (removed.has(id) ? words.removed : words.gone)(dinerName ?? labels.reservations.unknownGuest) })),
  ];
}

/** Describe changes in a sentence each; many changes only as a number. */
export function describeChanges(changes) {
  return changes.length > MAX_DESCRIBED ? words.many(changes.length) : changes.map(({ text }) => text).join(" ");
}

function mapById({ reservations, incomplete }) {
  return new Map([...reservations, ...incomplete].map((each) => [each.id, each]));
}

function describeChange(before, after, format) {
  const name = after.dinerName ?? labels.reservations.unknownGuest;
  const time = (reservation) => (reservation.localTime ? format.wallTime(reservation.localTime) : "?");
  const tables = after.tableNumbers.join(", ");
  if (!before) return words.added(name, after.partySize ?? "?", time(after));
  const parts = [
    before.status !== after.status && (words.became[after.status] ?? words.status(statusText(after.status).toLowerCase())),
    before.localTime !== after.localTime && words.moved(time(before), time(after)),
    before.partySize !== after.partySize && words.party(after.partySize, before.partySize ?? "?"),
    String(before.tableNumbers) !== String(after.tableNumbers) && (tables ? words.table(tables) : words.noTable),
    before.specialRequests !== after.specialRequests && words.request,
    before.venueNotes !== after.venueNotes && words.note,
    before.dinerName !== after.dinerName && words.renamed(before.dinerName ?? labels.reservations.unknownGuest),
  ].filter(Boolean);
  return parts.length ? `${name} ${parts.join(", ")}.` : "";
}
