/** The days that were never counted, in words: they are not days without guests. */

import { note } from "../legacy/elements.js";
import { counted, daysFrom } from "../legacy/times.js";
import { dateInWords, spanInWords } from "./dates.js";

const MOST_NAMED = 3;

/** What is not counted of a span, null where all of it is. */
export function absence({ days, absent, from, to, today }) {
  if (!days.length) return note("watch", noneOf({ from, today }));
  const parts = absent.map((span) => {
    if (span.from === from) return `before ${dateInWords(days[0].date, today)}`;
    if (span.to === to) return `after ${dateInWords(days.at(-1).date, today)}`;
    return `on ${spanInWords(span.from, span.to, today)}`;
  });
  if (!parts.length) return null;
  const more = parts.length - MOST_NAMED;
  const named = parts.slice(0, MOST_NAMED).join(", ");
  return note("watch", `No data ${named}${more > 0 ? ` and in ${counted(more, "more span")}` : ""}: these days are left out, not counted as empty.`);
}

function noneOf({ from, today }) {
  if (from > daysFrom(today, 30)) return "No data yet: the hourly check looks 30 days ahead.";
  return "No data: these days were not counted. The hourly check counts from yesterday on; the days before it first ran come with a backfill.";
}
