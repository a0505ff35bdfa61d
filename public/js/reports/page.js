/** Reports of the hourly comparison, newest first. */

import { LoadingOrError, Table, useLoaded } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html } from "../ui/view.js";
import { describeResult, Report } from "./report.js";

const words = managerLabels.reports;
const PAGE_SIZE = 50;

export function Screen({ session, path: [id] }) {
  return id ? html`<${Report} key=${id} session=${session} id=${id} />` : html`<${List} session=${session} />`;
}

function List({ session: { api, format, linkTo } }) {
  const { data, error } = useLoaded(() => api.get(`reports?limit=${PAGE_SIZE}`), []);
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
