/** The history of a reservation: its journal as a timeline, oldest entry first. */

import { LoadingOrError } from "../ui/components.js";
import { formatFieldValue, listVisibleChanges } from "../ui/field-changes.js";
import { timeAgo } from "../ui/format.js";
import { labels, statusText } from "../ui/labels.js";
import { html, useEffect, useState } from "../ui/view.js";

const PAGE_SIZE = 50;
const words = labels.history;

/** The timeline of a reservation; a new `version` loads it again. */
export function History({ session, id, version }) {
  const [entries, setEntries] = useState(null);
  const [cursor, setCursor] = useState(null);
  const [error, setError] = useState(null);

  async function load(from) {
    const query = new URLSearchParams({ limit: PAGE_SIZE, ...(from && { cursor: from }) });
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
  if (!entries.length) return html`<p class="muted">${words.empty}</p>`;
  return html`
    <ol class="history">${entries.map((entry) => html`<${Entry} key=${entry.eventId} entry=${entry} format=${session.format} />`)}</ol>
    ${cursor && html`<button type="button" onClick=${() => load(cursor).then((page) => take(page, entries), setError)}>${words.more}</button>`}`;
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
  if (words.types[eventType]) return words.types[eventType];
  if (words.outcomes[outcome]) return words.outcomes[outcome];
  if (changes.status && changes.status.from !== changes.status.to) return statusText(changes.status.to);
  if (changes["reconciliation.reconciliationStatus"]?.to === "DIVERGED") return words.diverged;
  return visible.length ? words.changed : words.noted;
}

function describeOrigin({ actor, source, byName }) {
  if (source === "STAFF") return byName ? words.byStaff(byName) : words.byUnknownStaff;
  const channel = words.channels[source] ?? source;
  if (actor === "LINEUP") return words.viaChannel(channel);
  const origin = words.via(words.actors[actor] ?? actor, channel);
  return byName ? `${origin} · ${byName}` : origin;
}

function describeMove([path, { from, to }], format) {
  const before = formatFieldValue(path, from, format);
  const after = formatFieldValue(path, to, format);
  return before === labels.nothing ? `${labels.fields[path]}: ${after}` : `${labels.fields[path]}: ${before} → ${after}`;
}
