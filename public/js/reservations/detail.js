/** One reservation: its facts, what can be done, and its history. */

import { ConfirmDialog, Dialog, FactList, LoadingOrError, Note, SourceBadge, StatusBadge } from "../ui/components.js";
import { formatFieldValue, listVisibleChanges, phoneLink, timeAgo } from "../ui/format.js";
import { labels, openTableStatusText, statusText } from "../ui/labels.js";
import { html, useEffect, useState } from "../ui/view.js";
import { describeLateness, describeWarning } from "./list.js";

const CLOSED = new Set(["CANCELLED", "COMPLETED", "NO_SHOW"]);
const EVENTS_PER_PAGE = 50;
const words = labels.detail;
const historyWords = labels.history;

/**
 * The dialog of a reservation. `listed` is the reservation of the day's list, null if it is not in
 * it: then it is loaded, and the address changes to its day.
 */
export function ReservationDetail({ session, id, listed, date, now, onChanged, onClose }) {
  const [loaded, setLoaded] = useState(null);
  const [error, setError] = useState(null);
  const reservation = listed ?? loaded;

  useEffect(() => {
    if (listed) {
      setLoaded(listed);
      return;
    }
    session.api.get(`reservations/${encodeURIComponent(id)}`).then((found) => {
      setLoaded(found);
      if (found.serviceDate && found.serviceDate !== date) session.replaceAddress("reservations", found.serviceDate, "r", id);
    }, setError);
  }, [id, listed]);

  const name = reservation?.dinerName ?? labels.reservations.unknownGuest;
  return html`
    <${Dialog} className="sheet" label=${name} onClose=${onClose}>
      <div class="sheet-head">
        <h2 dir="auto">${reservation ? name : labels.reservations.title}</h2>
        <button type="button" data-initial-focus onClick=${onClose}>${labels.close}</button>
      </div>
      ${!reservation && html`<${LoadingOrError} error=${error?.status === 404 ? { message: labels.reservations.notFound } : error} />`}
      ${reservation && html`
        <p class="marks"><${StatusBadge} status=${reservation.status} /><${SourceBadge} system=${reservation.source.system} /></p>
        <${Warning} session=${session} reservation=${reservation} />
        <${Review} session=${session} reservation=${reservation} onChanged=${onChanged} />
        <${FactList} facts=${listFacts(reservation, session, now)} />
        <${Cancellation} session=${session} reservation=${reservation} onChanged=${onChanged} />
        <section>
          <h3>${words.history}</h3>
          <${History} session=${session} id=${id} version=${JSON.stringify(reservation)} />
        </section>`}
    <//>`;
}

function listFacts(each, session, now) {
  const { format } = session;
  const text = (value) => value && html`<span dir="auto" class="long-text">${value}</span>`;
  const names = words.facts;
  return [
    [names.day, each.localDate ? format.day(each.localDate) : words.notKnown],
    [names.time, each.localTime ? format.wallTime(each.localTime) : words.notKnown],
    [names.late, describeLateness(each, now, session.simulatedClock)],
    [names.party, each.partySize ?? words.notKnown],
    [names.table, each.tableNumbers.join(", ")],
    [names.server, each.server],
    [names.phone, each.phone && html`<a href=${phoneLink(each.phone)}>${each.phone}</a>`],
    [names.email, each.email && html`<a href=${`mailto:${each.email}`}>${each.email}</a>`],
    [names.openTableStatus, each.source.state && openTableStatusText(each.source.state)],
    [names.request, text(each.specialRequests)],
    [names.note, text(each.venueNotes)],
    [names.openTableNote, text(each.openTableNotes)],
    [names.tags, each.visitTags.join(", ")],
    [names.reason, text(each.cancellationReason)],
  ];
}

function Warning({ session, reservation }) {
  const { reviewDecision, reviewReason } = reservation;
  const warning = describeWarning(reservation);
  if (warning === labels.warnings.incomplete) return html`<${Note} level="watch">${words.incomplete}<//>`;
  if (warning === labels.warnings.diverged) {
    return html`
      <${Note} level="watch">${words.diverged} <a href=${session.linkTo("reports")}>${words.seeReport}</a>
        ${!session.isManager && ` ${words.askManager}`}<//>`;
  }
  if (!reviewDecision) return null;
  return html`<${Note} level="watch">${reviewDecision === "REMOVED" ? words.removed(reviewReason) : words.kept(reviewReason)}<//>`;
}

/** For managers: keep or remove a reservation that OpenTable does not know; the decision can be changed. */
function Review({ session, reservation, onChanged }) {
  const [decision, setDecision] = useState(null);
  const { id, dinerName, reviewDecision, reconciliationStatus } = reservation;
  const isReviewable = reviewDecision || (reconciliationStatus === "DIVERGED" && reservation.source.system === "OPENTABLE");
  if (!session.isManager || !isReviewable) return null;
  const name = dinerName ?? labels.reservations.unknownGuest;
  const texts = {
    KEPT: { title: words.keepTitle(name), text: words.keepText, confirm: words.keepConfirm },
    REMOVED: { title: words.removeTitle(name), text: words.removeText, confirm: words.removeConfirm },
  };

  async function decide(reason) {
    await session.api.post(`reservations/${encodeURIComponent(id)}/review`, { decision, reason });
    onChanged();
    session.refreshHealth();
  }

  return html`
    <section class="choices">
      ${reviewDecision !== "KEPT" && html`<button type="button" onClick=${() => setDecision("KEPT")}>${words.keep}</button>`}
      ${reviewDecision !== "REMOVED" && html`<button type="button" class="danger" onClick=${() => setDecision("REMOVED")}>${words.remove}</button>`}
      ${decision && html`
        <${ConfirmDialog} ...${texts[decision]} reason=${{ label: words.requiredReason, isRequired: true }} isDangerous=${decision === "REMOVED"}
          run=${decide} onClose=${() => setDecision(null)} />`}
    </section>`;
}

/** The button that cancels, or the reason why it is disabled. */
function Cancellation({ session, reservation, onChanged }) {
  const [isOpen, setOpen] = useState(false);
  const [key, setKey] = useState("");
  if (CLOSED.has(reservation.status)) return null;
  const { system } = reservation.source;
  if (system !== "LINEUP") {
    return html`
      <section class="actions">
        <button type="button" class="danger" disabled aria-describedby="why-not">${words.cancel}</button>
        <p id="why-not">${system === "OPENTABLE" ? words.atOpenTable : words.elsewhere}</p>
      </section>`;
  }

  function open() {
    // One key for one decision: a repeated request cancels once.
    setKey(crypto.randomUUID());
    setOpen(true);
  }

  async function cancel(reason) {
    const path = `reservations/${encodeURIComponent(reservation.id)}/cancel`;
    await session.api.post(path, reason ? { reason } : {}, { "Idempotency-Key": key });
    onChanged();
  }

  const { format } = session;
  const when = [reservation.localDate && format.shortDay(reservation.localDate), reservation.localTime && format.wallTime(reservation.localTime)].filter(Boolean).join(", ");
  return html`
    <section class="actions">
      <button type="button" class="danger" onClick=${open}>${words.cancel}</button>
      ${isOpen && html`
        <${ConfirmDialog} title=${words.cancelTitle(reservation.dinerName ?? labels.reservations.unknownGuest)}
          text=${words.cancelText(words.party(reservation.partySize ?? "?"), when || words.notKnown)}
          confirm=${words.cancelConfirm} reason=${{ label: words.reason }} isDangerous run=${cancel} onClose=${() => setOpen(false)} />`}
    </section>`;
}

/** The timeline of a reservation; a new `version` loads it again. */
function History({ session, id, version }) {
  const [entries, setEntries] = useState(null);
  const [cursor, setCursor] = useState(null);
  const [error, setError] = useState(null);

  async function load(from) {
    const query = new URLSearchParams({ limit: EVENTS_PER_PAGE, ...(from && { cursor: from }) });
    return session.api.get(`reservations/${encodeURIComponent(id)}/events?${query}`);
  }

  function take(page, earlier) {
    setEntries([...earlier, ...page.events]);
    setCursor(page.next);
    setError(null);
  }

  useEffect(() => {
    let isCurrent = true;
    load().then((page) => isCurrent && take(page, []), (problem) => isCurrent && setError(problem));
    return () => { isCurrent = false; };
  }, [id, version]);

  if (!entries) return html`<${LoadingOrError} error=${error} />`;
  if (!entries.length) return html`<p class="muted">${historyWords.empty}</p>`;
  return html`
    <ol class="history">${entries.map((entry) => html`<${Entry} key=${entry.eventId} entry=${entry} format=${session.format} />`)}</ol>
    ${cursor && html`<button type="button" onClick=${() => load(cursor).then((page) => take(page, entries), setError)}>${historyWords.more}</button>`}`;
}

function Entry({ entry, format }) {
  const changes = listVisibleChanges(entry.changes);
  return html`
    <li>
      <time datetime=${entry.occurredAt} title=${timeAgo(entry.occurredAt)}>${format.moment(entry.occurredAt)}</time>
      <p class="what">${describeEntry(entry, changes)}</p>
      ${changes.length > 0 && html`<ul class="moves">${changes.map((change) => html`<li key=${change[0]} dir="auto">${describeMove(change, format)}</li>`)}</ul>`}
      <p class="muted">${describeOrigin(entry)}</p>
    </li>`;
}

function describeEntry({ eventType, outcome, changes }, visible) {
  if (historyWords.types[eventType]) return historyWords.types[eventType];
  if (historyWords.outcomes[outcome]) return historyWords.outcomes[outcome];
  if (changes.status && changes.status.from !== changes.status.to) return statusText(changes.status.to);
  if (changes["reconciliation.reconciliationStatus"]?.to === "DIVERGED") return historyWords.diverged;
  return visible.length ? historyWords.changed : historyWords.noted;
}

function describeOrigin({ actor, source, byName }) {
  if (source === "STAFF") return byName ? historyWords.byStaff(byName) : historyWords.byUnknownStaff;
  const channel = historyWords.channels[source] ?? source;
  if (actor === "LINEUP") return historyWords.viaChannel(channel);
  const origin = historyWords.via(historyWords.actors[actor] ?? actor, channel);
  return byName ? `${origin} · ${byName}` : origin;
}

function describeMove([path, { from, to }], format) {
  const before = formatFieldValue(path, from, format);
  const after = formatFieldValue(path, to, format);
  return before === labels.nothing ? `${labels.fields[path]}: ${after}` : `${labels.fields[path]}: ${before} → ${after}`;
}
