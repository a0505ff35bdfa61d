/** One check: ours, theirs, and what was done, field by field. */

import { el, factList, fill, note } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";
import { daysInWords, moment } from "../legacy/times.js";
import { fieldWord, valueInWords } from "../legacy/words.js";
import { forcing } from "./forcing.js";
import { leftAlone, storyLink } from "./left.js";
import { resultOf } from "./result.js";

const HEADINGS = ["Reservation", "Field", "In our book", "At OpenTable", "Done"];
const DONE = { created: "Added", updated: "Corrected", cancelled: "Cancelled" };
// What a report that broke off lists was done before it did.
const UNDONE = { HELD: "Held back", DRY_RUN: "Only tried" };

/** Open a report. */
export function openReport(house, id) {
  const content = el("div", { class: "stack" }, el("p", { class: "muted" }, "Reading …"));
  house.api.get(`reports/${encodeURIComponent(id)}`).then(
    (report) => fill(content, ...told(house, report)),
    (refused) => fill(content, note("bad", refused.message)));
  return {
    node: el("div", { class: "office" },
      el("p", {}, el("a", { href: house.way("reports") }, "All reports")), el("h1", {}, "Report"), content),
  };
}

function told(house, report) {
  const { level, text } = resultOf(report);
  const corrections = correctionsIn(house, report);
  const verdict = level === "good" ? `${text}. The book and OpenTable's say the same.` : `${text}.`;
  return [
    note(level === "fine" ? "good" : level, verdict, report.reason ? ` ${report.reason}` : ""),
    forcing(house, report),
    factList([
      ["When", moment(report.reconciledAt, house.zone)],
      ["Days", daysInWords(report.startDate, report.endDate)],
      ["At OpenTable", String(report.openTableCount)],
      ["In our book", String(report.ledgerCount)],
      ["Compared", String(report.comparedCount)],
      ["Alike", String(report.unchangedCount)],
      ["Came late", String(report.missedWebhooks)],
      ["Took", `${(report.durationMs / 1000).toFixed(1)} s`],
    ]),
    corrections.length ? [el("h2", {}, "What differed"), table("What differed", HEADINGS, corrections)] : null,
    ...leftAlone(house, report),
    report.complete ? null : note("watch", "The lists are too long to show whole; the counts are whole."),
  ];
}

function correctionsIn(house, report) {
  return Object.keys(DONE).flatMap((kind) => report[kind].flatMap((entry) => {
    const done = UNDONE[report.status] ?? DONE[kind];
    const moves = Object.entries(entry.changes ?? {}).filter(([path]) => fieldWord(path));
    if (!moves.length) return [[storyLink(house, entry), "All", kind === "created" ? "nothing" : "", entry.reason ?? "", done]];
    return moves.map(([path, move]) => [storyLink(house, entry), fieldWord(path), ...sides(path, move, house.zone), done]);
  }));
}

function sides(path, { from, to, personal }, zone) {
  if (personal) return ["personal", "personal: see its story"];
  return [valueInWords(path, from, zone), valueInWords(path, to, zone)];
}
