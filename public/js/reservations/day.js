/** The reservations of a day: loaded, kept up to date, stored for offline use, and what changed. */

import { readStoredLists, storeDay } from "../offline.js";
import { labels, statusText } from "../ui/labels.js";
import { useEffect, usePolling, useRef, useState } from "../ui/view.js";

const PAUSE_MS = 2_500; // with the request itself well below five seconds
const MINUTE_MS = 60_000;
const MAX_RECENT_CHANGES = 20;
const MAX_DESCRIBED_CHANGES = 3;
const words = labels.changes;

/** Load a day and keep it up to date. One day's rows never stand under another day's date. */
export function useDay(session, date) {
  const [state, setState] = useState({ changedIds: new Set(), recentChanges: [] });
  const current = useRef({});
  const storedAt = useRef(0);

  if (current.current.date !== date && current.current.day?.date !== date) {
    current.current = { date };
    applyStoredDay(current.current);
  }
  const { day = null, error = null, seenAt = null } = current.current;

  const refresh = usePolling(async () => {
    const loading = current.current;
    try {
      const response = await session.api.getIfChanged(date ? `reservations?date=${date}` : "reservations", loading.etag);
      if (current.current !== loading) return;
      session.reportConnection();
      loading.seenAt = Date.now();
      loading.error = null;
      if (response) takeDay(loading, response);
      if (response || Date.now() - storedAt.current > MINUTE_MS) {
        storeDay(session.api.restaurantId, session.me, loading.day);
        storedAt.current = Date.now();
      }
      setState((before) => (response || Date.now() - (before.now ?? 0) > MINUTE_MS ? { ...before, now: Date.now() } : before));
    } catch (problem) {
      if (current.current !== loading) return;
      takeError(loading, problem);
      setState((before) => ({ ...before }));
      throw problem;
    }
  }, PAUSE_MS, [session, date]);
  useEffect(() => {
    setState({ changedIds: new Set(), recentChanges: [], now: Date.now() });
    // A stored list comes first; the status strip shows its time until the server answers.
    if (current.current.day) session.reportConnectionLoss({ status: null }, current.current.seenAt);
    return () => session.reportConnection();
  }, [current.current]);

  function takeDay(loading, { etag, body }) {
    // A stored list is not what somebody just looked at.
    const changes = loading.etag && loading.day.date === body.date ? listChanges(loading.day, body, session.format) : [];
    loading.etag = etag;
    loading.day = body;
    if (changes.length) session.announce(describeChanges(changes));
    const at = new Date().toISOString();
    setState(({ recentChanges }) => ({
      now: Date.now(),
      changedIds: new Set(changes.map(({ id }) => id)),
      recentChanges: [...changes.map(({ text }) => ({ at, text })).reverse(), ...recentChanges].slice(0, MAX_RECENT_CHANGES),
    }));
  }

  function takeError(loading, problem) {
    if (!problem.isTemporary) {
      loading.error = problem;
      return;
    }
    if (!loading.day) loading.error = { message: labels.reservations.offlineDay };
    session.reportConnectionLoss(problem, loading.seenAt);
  }

  function applyStoredDay(loading) {
    const days = readStoredLists(session.api.restaurantId)?.days ?? [];
    const stored = date ? days.find((each) => each.day.date === date) : days[0];
    if (stored) Object.assign(loading, { day: stored.day, seenAt: stored.savedAt });
  }

  return { ...state, day, error, seenAt, now: state.now ?? Date.now(), refresh };
}

/**
 * Compare two responses about one day.
 * @returns {Array<{id: string, text: string}>}
 */
function listChanges(before, after, format) {
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
function describeChanges(changes) {
  return changes.length > MAX_DESCRIBED_CHANGES ? words.many(changes.length) : changes.map(({ text }) => text).join(" ");
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
