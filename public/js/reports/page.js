/** Reports of the hourly comparison: the list, and one with its reservations and a manager's decisions. */

import { ConfirmDialog, ErrorAlert, FactList, LoadingOrError, Note, Table } from "../ui/components.js";
import { formatFieldValue, listVisibleChanges } from "../ui/format.js";
import { labels, statusText } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useAction, useLoaded, useState } from "../ui/view.js";

const words = managerLabels.reports;
const REPORTS_PER_PAGE = 50;
const ITEMS_PER_PAGE = 100;
const UNDECIDED = "MISSING_IN_OPENTABLE";

export function Screen({ session, path: [id] }) {
  return id ? html`<${Report} key=${id} session=${session} id=${id} />` : html`<${List} session=${session} />`;
}

function List({ session: { api, format, linkTo } }) {
  const { data, error } = useLoaded(() => api.get(`reports?limit=${REPORTS_PER_PAGE}`), []);
  const newest = data?.reports[0];
  const rows = (data?.reports ?? []).map((report) => {
    const { level, text } = describeResult(report);
    return {
      key: report.reportId,
      cells: [
        html`<a class="number" href=${linkTo("reports", report.reportId)}>${format.moment(report.reconciledAt)}</a>`,
        html`<span class="result ${level}">${text}</span>`,
        format.span(report.startDate, report.endDate),
        report.comparedCount ?? labels.unknown,
      ],
    };
  });
  return html`
    <div class="office">
      <h1>${labels.screens.reports}</h1>
      <p class="muted">${words.intro(newest && format.span(newest.startDate, newest.endDate))}</p>
      ${!data && html`<${LoadingOrError} error=${error} />`}
      ${data && !rows.length && html`<p class="empty">${words.none}</p>`}
      ${rows.length > 0 && html`<${Table} caption=${labels.screens.reports} columns=${words.columns} rows=${rows} />`}
    </div>`;
}

/** A report's result: `level` and `text`. */
function describeResult({ status, counts, executedBy }) {
  if (status === "FAILED") return { level: "bad", text: words.failed };
  if (status === "HELD") return { level: executedBy ? "good" : "watch", text: executedBy ? words.applied : words.held };
  const parts = Object.entries(words.results).filter(([name]) => counts[name]).map(([name, word]) => `${counts[name]} ${word}`);
  const text = parts.join(", ");
  if (!text) return { level: "good", text: words.inSync };
  if (status === "DRY_RUN") return { level: "watch", text: words.dryRun(text) };
  return { level: counts.divergences || counts.skipped ? "watch" : "good", text };
}

function Report({ session, id }) {
  const { data: report, error, reload } = useLoaded(() => session.api.get(`reports/${encodeURIComponent(id)}`), [id]);
  return html`
    <div class="office">
      <p><a href=${session.linkTo("reports")}>${words.all}</a></p>
      <h1>${words.one}</h1>
      ${report ? html`<${Content} session=${session} report=${report} onDecided=${reload} />` : html`<${LoadingOrError} error=${error} />`}
    </div>`;
}

function Content({ session, report, onDecided }) {
  const lists = Object.keys(words.lists).filter((name) => report.counts[name]);
  return html`
    <${Summary} report=${report} />
    <${Plan} session=${session} report=${report} />
    <${Facts} format=${session.format} report=${report} />
    ${report.status === "HELD" && html`<${Days} format=${session.format} days=${report.days} />`}
    <${Review} session=${session} report=${report} onDecided=${onDecided} />
    ${lists.map((name) => html`<${ItemList} key=${`${name} ${report.reviewedCount}`} session=${session} report=${report} name=${name} />`)}`;
}

function Summary({ report }) {
  const { level, text } = describeResult(report);
  const { status, failure, reason } = report;
  const sentence = { FAILED: words.sentences.failed, HELD: words.sentences.held }[status] ?? (text === words.inSync ? words.sentences.inSync : `${text}.`);
  return html`
    <${Note} level=${level}>${sentence}${failure && ` ${words.failures[failure] ?? ""}`}<//>
    ${reason && html`<details><summary>${words.details}</summary>${reason}</details>`}`;
}

function Facts({ format, report }) {
  const number = (value) => value ?? labels.unknown;
  const facts = words.facts;
  return html`<${FactList} facts=${[
    [facts.when, format.moment(report.reconciledAt)],
    [facts.days, format.span(report.startDate, report.endDate)],
    [facts.openTable, number(report.openTableCount)],
    [facts.ledger, number(report.ledgerCount)],
    [facts.compared, number(report.comparedCount)],
    [facts.matching, number(report.unchangedCount)],
    [facts.late, number(report.missedWebhooks)],
    [facts.duration, words.seconds((report.durationMs / 1000).toFixed(1))],
  ]} />`;
}

/** What applying a plan on hold does, and the button for managers. */
function Plan({ session, report }) {
  const [isAsking, setAsking] = useState(false);
  const { reportId, heldReportId, executedBy, planEffects, counts, status } = report;
  const changes = counts.created + counts.updated + counts.cancelled;

  async function apply() {
    const result = await session.api.post(`reports/${encodeURIComponent(reportId)}/force`);
    session.announce(words.planApplied);
    session.refreshHealth();
    session.goTo("reports", result.reportId);
  }

  if (heldReportId) return html`<p><a href=${session.linkTo("reports", heldReportId)}>${words.heldReport}</a></p>`;
  if (executedBy) return html`<p><a href=${session.linkTo("reports", executedBy)}>${words.executedReport}</a></p>`;
  if (status !== "HELD") return null;
  const effects = html`<ul>${planEffects.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`;
  return html`
    <section class="panel stack">
      ${effects}
      ${session.isManager && html`<button type="button" onClick=${() => setAsking(true)}>${words.applyPlan}</button>`}
      ${isAsking && html`
        <${ConfirmDialog} title=${words.planTitle} confirm=${changes ? words.applyConfirm(changes) : words.lookUp} isDangerous
          run=${apply} onClose=${() => setAsking(false)}>${effects}<//>`}
    </section>`;
}

function Days({ format, days }) {
  if (!days.length) return null;
  const rows = days.map(({ date, reservations, covers }) => ({
    key: date, cells: [date ? format.shortDay(date) : words.unknownDay, reservations, covers],
  }));
  return html`<h2>${words.byDay}</h2><${Table} caption=${words.byDay} columns=${words.byDayColumns} rows=${rows} />`;
}

/** Keep or remove all reservations that OpenTable does not know. */
function Review({ session, report, onDecided }) {
  const [decision, setDecision] = useState(null);
  const [message, setMessage] = useState(null);
  const open = report.divergences.filter(({ type }) => type === UNDECIDED).length - report.reviewedCount;

  async function decide(reason) {
    const path = `reports/${encodeURIComponent(report.reportId)}/reviews`;
    let decided = 0;
    let result;
    do {
      result = await session.api.post(path, { decision, reason });
      decided += result.decided + result.changed;
    } while (result.remaining > 0);
    setMessage(words.decided(decided));
    session.refreshHealth();
    await onDecided();
  }

  if (!session.isManager || open <= 0) return message && html`<${Note} level="good">${message}<//>`;
  const isRemoval = decision === "REMOVED";
  return html`
    <section class="panel stack">
      <h2>${words.reviewTitle}</h2>
      <p>${words.reviewText(open)}</p>
      <div class="choices">
        <button type="button" onClick=${() => setDecision("KEPT")}>${words.keepAll}</button>
        <button type="button" onClick=${() => setDecision("REMOVED")}>${words.removeAll}</button>
      </div>
      ${decision && html`
        <${ConfirmDialog} title=${isRemoval ? words.removeTitle(open) : words.keepTitle(open)} confirm=${isRemoval ? words.remove : words.keep}
          reason=${{ label: words.reason, isRequired: true }} isDangerous=${isRemoval} run=${decide} onClose=${() => setDecision(null)} />`}
    </section>`;
}

/** One list of a report, a page at a time. */
function ItemList({ session, report, name }) {
  const [more, setMore] = useState([]);
  const { run, isBusy, error: moreError } = useAction();
  const isPlan = report.status === "HELD" || report.status === "DRY_RUN";
  const heading = (isPlan && words.plannedLists[name]) || words.lists[name];
  const load = (offset) => session.api.get(`reports/${encodeURIComponent(report.reportId)}/items?${new URLSearchParams({ list: name, limit: ITEMS_PER_PAGE, offset })}`);
  const { data: first, error } = useLoaded(() => load(0), [report.reportId]);
  if (!first) return html`<h2>${heading}</h2><${LoadingOrError} error=${error} />`;
  const pages = [first, ...more];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1).next;
  const extend = () => run(async () => setMore([...more, await load(next)]));
  const rows = items.map((item, index) => ({ key: index, cells: buildCells(item, name, session) }));
  return html`
    <h2>${heading} <span class="muted">(${first.total})</span></h2>
    <${Table} caption=${heading} columns=${words.itemColumns} rows=${rows} />
    ${next != null && html`<button type="button" disabled=${isBusy} onClick=${extend}>${words.more(items.length, first.total)}</button>`}
    <${ErrorAlert} error=${moreError} />`;
}

function buildCells(item, list, { format, linkTo }) {
  const name = item.dinerName ?? item.externalId ?? labels.unknown;
  return [
    item.reservationId ? html`<a href=${linkTo("reservation", item.reservationId)}>${name}</a>` : name,
    item.localDate ? html`<span class="number">${format.shortDay(item.localDate)}</span>` : labels.unknown,
    item.localTime ? format.wallTime(item.localTime) : labels.unknown,
    item.partySize ?? labels.unknown,
    describeItem(item, list, format),
  ];
}

function describeItem(item, list, format) {
  if (item.reviewDecision) return words.decisions[item.reviewDecision];
  if (list === "divergences") return words.issues[item.type] ?? item.reason;
  if (list === "cancelled") return `${statusText(item.previousStatus)} → ${statusText("CANCELLED")}`;
  if (list === "updated") return html`<ul>${listChanges(item.changes, format).map((text) => html`<li key=${text}>${text}</li>`)}</ul>`;
  return list === "skipped" ? item.reason : words.lists[list];
}

function listChanges(changes, format) {
  const personal = Object.keys(labels.fields).filter((path) => changes[path]?.personal);
  const visible = listVisibleChanges(changes).filter(([path]) => !personal.includes(path));
  return [
    ...visible.map(([path, { from, to }]) => `${labels.fields[path]}: ${formatFieldValue(path, from, format)} → ${formatFieldValue(path, to, format)}`),
    ...personal.map((path) => `${labels.fields[path]}: ${words.personalChange}`),
  ];
}
