/** Failed updates: the list, and what to do with several of one kind. */

import { ConfirmDialog, LoadingOrError, Note, Table, useLoaded } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useState } from "../ui/view.js";
import { FailedUpdate, formatReceivedTime, ItemStatus } from "./item.js";

const words = managerLabels.quarantine;
const PAGE_SIZE = 100;
// One problem of one update is settled on its own screen.
const MIN_ITEMS_FOR_BULK = 2;

export function Screen({ session, path: [id] }) {
  return id ? html`<${FailedUpdate} key=${id} session=${session} id=${id} />` : html`<${List} session=${session} />`;
}

function List({ session }) {
  const { data, error, reload } = useLoaded(() => session.api.get(`quarantine?limit=${PAGE_SIZE}`), []);
  if (!data) return html`<div class="office"><h1>${labels.screens.quarantine}</h1><${LoadingOrError} error=${error} /></div>`;
  return html`
    <div class="office">
      <h1>${labels.screens.quarantine}</h1>
      <p class="muted">${words.intro}</p>
      ${data.openCount ? html`<${Note} level="watch">${words.open(data.openCount)}<//>` : html`<${Note} level="good">${words.none}<//>`}
      <${BulkActions} session=${session} items=${data.items} onChanged=${() => { reload(); session.refreshHealth(); }} />
      ${data.items.length > 0 && html`
        <${Table} caption=${labels.screens.quarantine} columns=${words.columns} rows=${data.items.map((item) => buildRow(item, session))} />`}
    </div>`;
}

function buildRow(item, { format, linkTo }) {
  return {
    key: item.id,
    cells: [
      html`<a href=${linkTo("quarantine", item.id)}>${format.moment(item.receivedAt)}</a>`,
      describeEvent(item.summary, format),
      item.message,
      html`<${ItemStatus} item=${item} />`,
    ],
  };
}

/** "New reservation · A. L. · Sat, Nov 28, 7:00 PM · party 4". */
function describeEvent({ eventType, startAt, partySize, guest }, format) {
  const kind = words.kinds[eventType] ?? words.row;
  return [kind, guest, formatReceivedTime(startAt, format), partySize && words.party(partySize)].filter(Boolean).join(" · ");
}

/** Applies or dismisses all open items of one problem, after a preview. */
function BulkActions({ session, items, onChanged }) {
  const counts = countOpenReasons(items);
  const [reason, setReason] = useState(null);
  const [preview, setPreview] = useState(null);
  const [message, setMessage] = useState(null);
  const [isDismissing, setDismissing] = useState(false);
  const chosen = counts.has(reason) ? reason : counts.keys().next().value;
  if (Math.max(0, ...counts.values()) < MIN_ITEMS_FOR_BULK) return message && html`<${Note} level="good">${message.text}<//>`;

  async function run(action) {
    try {
      setMessage(await action());
    } catch (error) {
      setMessage({ level: "bad", text: error.message });
    }
  }

  const showPreview = () => run(async () => {
    const counted = await replayAll(session, chosen, true);
    setPreview({ reason: chosen, ...counted });
    return null;
  });
  const apply = () => run(async () => {
    const { applied, rejected } = await replayAll(session, chosen, false);
    setPreview(null);
    onChanged();
    return { level: rejected ? "watch" : "good", text: words.bulkApplied(applied, rejected) };
  });
  async function dismiss(dismissReason) {
    const dismissed = await dismissAll(session, chosen, dismissReason);
    setPreview(null);
    onChanged();
    setMessage({ level: "good", text: words.bulkDismissed(dismissed) });
  }

  const isPreviewed = preview?.reason === chosen;
  return html`
    <section class="panel stack">
      <h2>${words.bulkTitle}</h2>
      <p>${words.bulkText}</p>
      <label>${words.bulkReason}
        <select value=${chosen} onChange=${({ target }) => { setReason(target.value); setMessage(null); }}>
          ${[...counts].map(([name, number]) => html`<option key=${name} value=${name}>${words.bulkOption(name, number)}</option>`)}
        </select>
      </label>
      ${isPreviewed && html`<${Note} level="watch">${words.bulkPreviewed(preview.matching, preview.applied, preview.rejected)}<//>`}
      <div class="choices">
        ${isPreviewed && preview.applied > 0
          ? html`<button type="button" class="primary" onClick=${apply}>${words.bulkApply(preview.applied)}</button>`
          : html`<button type="button" onClick=${showPreview}>${words.bulkPreview}</button>`}
        <button type="button" onClick=${() => setDismissing(true)}>${words.bulkDismiss}</button>
      </div>
      <div role="status">${message && html`<${Note} level=${message.level}>${message.text}<//>`}</div>
      ${isDismissing && html`
        <${ConfirmDialog} title=${words.bulkDismissTitle(counts.get(chosen), chosen)} confirm=${words.bulkDismissConfirm(counts.get(chosen))}
          reason=${{ label: words.dismissReason, isRequired: true }} run=${dismiss} onClose=${() => setDismissing(false)} />`}
    </section>`;
}

/** The open items of the list by problem code. */
function countOpenReasons(items) {
  const counts = new Map();
  for (const { status, reason } of items) {
    if (status === "OPEN") counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

/** Replay all open items of a problem, in as many calls as it takes. */
async function replayAll({ api }, reason, isDryRun) {
  const total = { matching: 0, applied: 0, rejected: 0 };
  let cursor = null;
  do {
    const page = await api.post(`quarantine/replay?dryRun=${isDryRun}`, { reason, ...(cursor && { cursor }) });
    total.matching = Math.max(total.matching, page.matching);
    total.applied += Object.values(page.outcomes).reduce((sum, number) => sum + number, 0);
    total.rejected += page.rejected;
    cursor = page.next;
  } while (cursor);
  return total;
}

async function dismissAll({ api }, reason, dismissReason) {
  let dismissed = 0;
  let cursor = null;
  do {
    const page = await api.post("quarantine/dismiss", { reason, dismissReason, ...(cursor && { cursor }) });
    dismissed += page.dismissed;
    cursor = page.next;
  } while (cursor);
  return dismissed;
}
