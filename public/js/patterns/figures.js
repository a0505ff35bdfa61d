/** The figures of a span of days, each a chart with its numbers beside it. */

import { el, note } from "../legacy/elements.js";
import { counted } from "../legacy/times.js";
import { absence } from "./absence.js";
import { spanInWords } from "./dates.js";
import { byDay } from "./days.js";
import { headline } from "./headline.js";
import { leads, sizes } from "./parties.js";
import { rates } from "./rates.js";
import { week } from "./week.js";

/**
 * All figures.
 * @param {object} patterns As the API tells them.
 * @param {string} source Of which source, empty for all.
 * @param {import("./bars.js").Bars} bars
 */
export function drawn(patterns, source, bars) {
  const { days, from, to, today } = patterns;
  const pattern = source ? patterns.sources[source] : patterns.total;
  const told = el("p", { class: "muted" }, `${spanInWords(from, to, today)}: ${counted(days.length, "day")} counted. Times are the restaurant's.`);
  const missing = absence(patterns);
  if (!days.length) return [missing];
  if (!pattern.bookings && !pattern.walkIns) return [told, missing, note("watch", "There are no reservations on these days.")];
  return [
    told,
    missing,
    headline(patterns, pattern),
    week(pattern, days),
    byDay(patterns, source, bars),
    leads(patterns, source, bars),
    sizes(patterns, source, bars),
    rates(patterns, bars),
  ];
}
