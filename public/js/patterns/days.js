/** Covers by day, or by week where the days are many. */

import { daysFrom, daysInWords } from "../times.js";
import { figure, numbers } from "./figure.js";
import { SOURCES, chosen, number, total } from "./sources.js";

const MOST_DAYS = 62;
const short = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" });
const bare = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });

/** Covers over time, by source. */
export function byDay({ days }, source, bars) {
  const keys = chosen(source);
  const isByWeek = days.length > MOST_DAYS;
  const groups = isByWeek ? weeks(days) : days.map((day) => ({ first: day.date, days: [day] }));
  const rows = groups.map((group) => ({ ...group, counts: keys.map((key) => summed(group.days, key)) }));
  const sets = keys.map((key, index) => ({ key, text: SOURCES[key], values: rows.map(({ counts }) => counts[index].covers) }));
  const name = isByWeek ? "Covers by week" : "Covers by day";
  return figure(name, sentence(days, keys), {
    keys,
    plot: bars.add({ name, unit: "covers", labels: rows.map(({ first }) => bare.format(noon(first))), sets, isStacked: true }),
    table: numbers(name, [isByWeek ? "Week from" : "Day", "Covers", ...(keys.length > 1 ? keys.map((key) => SOURCES[key]) : []), "Bookings"],
      rows.map((row) => [rowName(row, isByWeek), number(total(row.counts, "covers")),
        ...(keys.length > 1 ? row.counts.map(({ covers }) => number(covers)) : []), number(total(row.counts, "bookings"))])),
  });
}

/** A day or several in words, e.g. "Sat 14 Mar" or "14 Mar – 16 Mar". */
export function spanInWords(first, last) {
  return first === last ? short.format(noon(first)) : daysInWords(first, last);
}

function noon(date) {
  return new Date(`${date}T12:00:00Z`);
}

function rowName({ first, days }, isByWeek) {
  const partly = isByWeek && days.length < 7 ? ` (${days.length} of 7 days)` : "";
  return short.format(noon(first)).replace(",", "") + partly;
}

function weeks(days) {
  const found = new Map();
  for (const day of days) {
    const monday = daysFrom(day.date, -((noon(day.date).getUTCDay() + 6) % 7));
    found.set(monday, [...(found.get(monday) ?? []), day]);
  }
  return [...found].map(([first, within]) => ({ first, days: within }));
}

function summed(days, key) {
  const counts = days.map(({ sources }) => sources[key]);
  return { covers: total(counts, "covers"), bookings: total(counts, "bookings") };
}

function sentence(days, keys) {
  const covers = (day) => keys.reduce((sum, key) => sum + day.sources[key].covers, 0);
  const [busiest] = [...days].sort((one, other) => covers(other) - covers(one));
  return `The fullest day: ${short.format(noon(busiest.date)).replace(",", "")}, with ${number(covers(busiest))} covers.`;
}
