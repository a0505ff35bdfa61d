/** Failed updates: the list, what to do with several of one kind, and one with the decision about it. */

import { ConfirmDialog, ErrorAlert, FactList, LoadingOrError, Note, Table } from "../ui/components.js";
import { formatFieldValue, listVisibleChanges } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels, problemText } from "../ui/labels-managers.js";
import { html, useAction, useLoaded, useState } from "../ui/view.js";

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
      html`<a class="number" href=${linkTo("quarantine", item.id)}>${format.moment(item.receivedAt)}</a>`,
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
  const { run, isBusy, error } = useAction();
  const [isDismissing, setDismissing] = useState(false);
  const chosen = counts.has(reason) ? reason : counts.keys().next().value;
  if (Math.max(0, ...counts.values()) < MIN_ITEMS_FOR_BULK) return message && html`<${Note} level="good">${message.text}<//>`;

  const showPreview = () => run(async () => {
    setMessage(null);
    const counted = await replayAll(session, chosen, true);
    setPreview({ reason: chosen, ...counted });
  });
  const apply = () => run(async () => {
    const { applied, rejected } = await replayAll(session, chosen, false);
    setPreview(null);
    onChanged();
    setMessage({ level: rejected ? "watch" : "good", text: words.bulkApplied(applied, rejected) });
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
          ${[...counts].map(([name, number]) => html`<option key=${name} value=${name}>${words.bulkOption(problemText(name), number)}</option>`)}
        </select>
      </label>
      ${isPreviewed && html`<${Note} level="watch">${words.bulkPreviewed(preview.matching, preview.applied, preview.rejected)}<//>`}
      <div class="choices">
        ${isPreviewed && preview.applied > 0
          ? html`<button type="button" class="primary" disabled=${isBusy} onClick=${apply}>${words.bulkApply(preview.applied)}</button>`
          : html`<button type="button" disabled=${isBusy} onClick=${showPreview}>${words.bulkPreview}</button>`}
        <button type="button" onClick=${() => setDismissing(true)}>${words.bulkDismiss}</button>
      </div>
      <div role="status">${message && html`<${Note} level=${message.level}>${message.text}<//>`}</div>
      <${ErrorAlert} error=${error} />
      ${isDismissing && html`
        <${ConfirmDialog} title=${words.bulkDismissTitle(counts.get(chosen), problemText(chosen))} confirm=${words.bulkDismissConfirm(counts.get(chosen))}
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

function FailedUpdate({ session, id }) {
  const path = `quarantine/${encodeURIComponent(id)}`;
  const { data: item, error, reload, setData } = useLoaded(() => session.api.get(path), [id]);

  async function decide(text) {
    session.announce(text);
    session.refreshHealth();
    await reload();
  }

  return html`
    <div class="office">
      <p><a href=${session.linkTo("quarantine")}>${words.back}</a></p>
      <h1>${words.one}</h1>
      ${item
        ? html`
          <${Note} level=${item.status === "OPEN" ? "watch" : "good"}>${item.message}<//>
          <${Facts} session=${session} item=${item} />
          <${Message} session=${session} item=${item} path=${path} onUnmasked=${setData} />
          ${item.status !== "REPLAYED" && html`<${Decision} session=${session} item=${item} path=${path} onDecided=${decide} />`}`
        : html`<${LoadingOrError} error=${error} />`}
    </div>`;
}

function Facts({ session, item }) {
  const { format, linkTo } = session;
  const { summary } = item;
  const facts = words.facts;
  return html`<${FactList} facts=${[
    [facts.status, html`<${ItemStatus} item=${item} />`],
    [facts.guest, summary.guest],
    [facts.reservationTime, formatReceivedTime(summary.startAt, format)],
    [facts.party, summary.partySize],
    [facts.first, format.moment(item.receivedAt)],
    [facts.last, item.count > 1 && format.moment(item.lastSeenAt)],
    [facts.reason, html`${problemText(item.reason)} <code class="muted">${item.reason}</code>`],
    [facts.by, item.resolvedBy && (item.resolvedByName ?? words.unknownPerson)],
    [facts.at, item.resolvedAt && format.moment(item.resolvedAt)],
    [facts.dismissReason, item.dismissReason],
    [facts.reservation, item.reservationId && html`<a href=${linkTo("reservation", item.reservationId)}>${words.openReservation}</a>`],
  ]} />`;
}

/** An item's status, and how often it was received. */
function ItemStatus({ item }) {
  return html`
    <span class="result ${item.status === "OPEN" ? "watch" : "good"}">${words.statuses[item.status] ?? item.status}</span>
    ${item.count > 1 && html` <span class="muted number">${words.times(item.count)}</span>`}`;
}

/** A time as received, formatted if it can be read. */
function formatReceivedTime(text, format) {
  return text && /Z$/.test(text) && !Number.isNaN(Date.parse(text)) ? format.moment(text) : text;
}

function Message({ session, item, path, onUnmasked }) {
  const { run, error } = useAction();
  const unmask = () => run(async () => onUnmasked(await session.api.get(`${path}?unmask=true`)));
  return html`
    <h2>${words.message}</h2>
    <pre tabindex="0" aria-label=${words.message}>${indentJson(item.body)}</pre>
    ${item.masked && html`
      <div class="row"><button type="button" onClick=${unmask}>${words.unmask}</button><span class="muted">${words.viewsLogged}</span></div>`}
    <${ErrorAlert} error=${error} />
    ${item.views.length > 0 && html`
      <section class="stack">
        <h2>${words.views}</h2>
        <ul>${item.views.map(({ byName, at }) => html`<li key=${at}>${words.view(byName ?? words.unknownPerson, session.format.moment(at))}</li>`)}</ul>
      </section>`}`;
}

/** Preview, apply or dismiss. */
function Decision({ session, item, path, onDecided }) {
  const [preview, setPreview] = useState(null);
  const { run, error } = useAction();
  const showPreview = () => run(async () => setPreview(await session.api.post(`${path}/replay?dryRun=true`)));
  const apply = () => run(async () => {
    await session.api.post(`${path}/replay`);
    await onDecided(words.applied);
  });
  function dismiss(event) {
    event.preventDefault();
    const reason = String(new FormData(event.target).get("reason")).trim();
    run(async () => {
      await session.api.post(`${path}/dismiss`, { reason });
      await onDecided(words.dismissed);
    });
  }

  return html`
    <section class="panel stack">
      ${preview
        ? html`<${Preview} preview=${preview} format=${session.format} />
          <button type="button" class="primary" onClick=${apply}>${words.apply}</button>`
        : html`<button type="button" onClick=${showPreview}>${words.preview}</button>`}
      <${ErrorAlert} error=${error} />
      ${item.status === "OPEN" && html`
        <form class="row" onSubmit=${dismiss}>
          <label>${words.dismissReason}<input name="reason" required maxlength="500" /></label>
          <button>${words.dismiss}</button>
        </form>`}
    </section>`;
}

function Preview({ preview: { outcome, changes }, format }) {
  const visible = listVisibleChanges(changes);
  if (!visible.length) return html`<${Note} level="good">${words.noChanges}<//>`;
  const rows = visible.map(([field, { from, to }]) => ({
    key: field,
    cells: [labels.fields[field], formatFieldValue(field, from, format), formatFieldValue(field, to, format)],
  }));
  return html`
    <${Note} level="watch">${outcome === "created" ? words.wouldCreate : words.wouldChange}<//>
    <${Table} caption=${words.previewTitle} columns=${words.previewColumns} rows=${rows} />`;
}

function indentJson(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
