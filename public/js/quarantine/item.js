/** One failed update: why it failed, its content, and the decision about it. */

import { FactList, LoadingOrError, Note, Table, useLoaded } from "../ui/components.js";
import { formatFieldValue, listVisibleChanges } from "../ui/field-changes.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useState } from "../ui/view.js";

const words = managerLabels.quarantine;

export function FailedUpdate({ session, id }) {
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
    [facts.reason, html`<code>${item.reason}</code>`],
    [facts.by, item.settledBy && (item.settledByName ?? words.unknownPerson)],
    [facts.at, item.settledAt && format.moment(item.settledAt)],
    [facts.dismissReason, item.dismissReason],
    [facts.reservation, item.reservationId && html`<a href=${linkTo("reservation", item.reservationId)}>${words.openReservation}</a>`],
  ]} />`;
}

/** An item's status, and how often it was received. */
export function ItemStatus({ item }) {
  return html`
    <span class="result ${item.status === "OPEN" ? "watch" : "good"}">${words.statuses[item.status] ?? item.status}</span>
    ${item.count > 1 && html` <span class="muted number">${words.times(item.count)}</span>`}`;
}

/** A time as received, formatted if it can be read. */
export function formatReceivedTime(text, format) {
  return text && /Z$/.test(text) && !Number.isNaN(Date.parse(text)) ? format.moment(text) : text;
}

function Message({ session, item, path, onUnmasked }) {
  const [error, setError] = useState(null);
  async function unmask() {
    try {
      onUnmasked(await session.api.get(`${path}?unmask=true`));
    } catch (problem) {
      setError(problem.message);
    }
  }
  return html`
    <h2>${words.message}</h2>
    <pre tabindex="0" aria-label=${words.message}>${indentJson(item.body)}</pre>
    ${item.masked && html`
      <div class="row"><button type="button" onClick=${unmask}>${words.unmask}</button><span class="muted">${words.viewsLogged}</span></div>`}
    <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
    ${item.views.length > 0 && html`
      <section class="stack">
        <h2>${words.views}</h2>
        <ul>${item.views.map(({ byName, at }) => html`<li key=${at}>${words.view(byName ?? words.unknownPerson, session.format.moment(at))}</li>`)}</ul>
      </section>`}`;
}

/** Preview, apply or dismiss. */
function Decision({ session, item, path, onDecided }) {
  const [preview, setPreview] = useState(null);
  const [error, setError] = useState(null);

  async function run(action) {
    setError(null);
    try {
      await action();
    } catch (problem) {
      setError(problem.message);
    }
  }

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
      <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
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
