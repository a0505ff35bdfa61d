/** The hourly checks, newest first. */

import { el, fill, note } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";
import { daysInWords, moment } from "../legacy/times.js";
import { result } from "./result.js";

/** Open the list of reports. */
export function openReports(house) {
  const content = el("div", {}, el("p", { class: "muted" }, "Reading …"));
  house.api.get("reports?limit=50").then(
    ({ reports }) => fill(content, listed(house, reports)),
    (refused) => fill(content, note("bad", refused.message)));
  return {
    node: el("div", { class: "office" },
      el("h1", {}, "Reports"),
      el("p", { class: "muted" }, "Every hour the whole book is compared with OpenTable's, and what differs is corrected."),
      content),
  };
}

function listed(house, reports) {
  if (!reports.length) return el("p", { class: "empty" }, "There is no report yet; the first comes with the next full hour.");
  return table("Reports", ["When", "Result", "Days", "Compared"], reports.map((report) => [
    el("a", { href: house.way("report", report.reportId) }, moment(report.reconciledAt, house.zone)),
    result(report),
    daysInWords(report.startDate, report.endDate),
    String(report.comparedCount),
  ]));
}
