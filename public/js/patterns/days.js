/** Covers by day, or by week where the days are many. */

import { daysFrom } from "../legacy/times.js";
import { dateInWords, tickOf, weekdayOf } from "./dates.js";
import { figure, numbers } from "./figure.js";
import { SOURCES, chosen, number, total } from "./sources.js";

const MOST_DAYS = 62;

/** Covers over time, by source; a day that was never counted is a gap. */
export function byDay({ days, today }, source, bars) {
  const keys = chosen(source);
  const isByWeek = days.length > MOST_DAYS;
  const groups = isByWeek ? weeks(calendar(days)) : calendar(days).map((day) => ({ first: day.date, days: day.sources ? [day] : [], isWhole: true }));
  const rows = groups.map((group) => ({ ...group, counts: keys.map((key) => summed(group.days, key)) }));
  const sets = keys.map((key, index) => ({ key, text: SOURCES[key], values: rows.map(({ counts }) => counts[index].covers) }));
  const name = isByWeek ? "Covers by week" : "Covers by day";
  const bySource = keys.length > 1 ? keys : [];
  return figure(name, sentence(days, keys, today, rows.every(({ isWhole }) => isWhole)), {
    keys,
    plot: bars.add({ name, unit: "covers", labels: rows.map(({ first, isWhole }) => tickOf(first) + (isWhole ? "" : "*")), sets, isStacked: true }),
    table: numbers(name, [isByWeek ? "Week from" : "Day", "Covers", ...bySource.map((key) => SOURCES[key]), "Bookings"],
      rows.map((row) => [rowName(row, today), ...cells(row, bySource.length > 0)])),
  });
}

function cells({ days, counts }, isBySource) {
  const told = [total(counts, "covers"), ...(isBySource ? counts.map(({ covers }) => covers) : []), total(counts, "bookings")];
  return told.map((value) => (days.length ? number(value) : "–"));
}

function rowName({ first, days, isWhole }, today) {
  return dateInWords(first, today) + (isWhole ? "" : ` (${days.length} of 7 days)`);
}

/** Every date from the first counted to the last, those in between that were not counted too. */
function calendar(days) {
  const found = new Map(days.map((day) => [day.date, day]));
  const all = [];
  for (let { date } = days[0]; date <= days.at(-1).date; date = daysFrom(date, 1)) all.push(found.get(date) ?? { date });
  return all;
}

function weeks(dates) {
  const found = new Map();
  for (const day of dates) {
    const monday = daysFrom(day.date, 1 - weekdayOf(day.date));
    const within = found.get(monday) ?? [];
    found.set(monday, day.sources ? [...within, day] : within);
  }
  return [...found].map(([first, days]) => ({ first, days, isWhole: days.length === 7 }));
}

function summed(days, key) {
  if (!days.length) return { covers: null, bookings: null };
  const counts = days.map(({ sources }) => sources[key]);
  return { covers: total(counts, "covers"), bookings: total(counts, "bookings") };
}

function sentence(days, keys, today, isWhole) {
  const covers = (day) => keys.reduce((sum, key) => sum + day.sources[key].covers, 0);
  const [busiest] = [...days].sort((one, other) => covers(other) - covers(one));
  const partly = isWhole ? "" : " Of the weeks with a * not every day is counted.";
  return `The fullest day: ${dateInWords(busiest.date, today)}, with ${number(covers(busiest))} covers.${partly}`;
}
