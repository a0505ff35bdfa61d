/** How early people book, and in which parties. */

import { figure, numbers } from "./figure.js";
import { SOURCES, chosen, number, percent, total } from "./sources.js";

const LARGEST = 20;
const LEADS = {
  UNDER_2_HOURS: "Under 2 hours",
  SAME_DAY: "Same day",
  DAY_BEFORE: "Day before",
  DAYS_2_TO_3: "2–3 days",
  DAYS_4_TO_7: "4–7 days",
  DAYS_8_TO_14: "8–14 days",
  DAYS_15_TO_28: "15–28 days",
  OVER_28_DAYS: "Over 28 days",
  UNKNOWN: "Not known",
};

/** Bookings by how long before the visit they were made. */
export function leads(patterns, source, bars) {
  const shown = Object.keys(LEADS).filter((lead) => lead !== "UNKNOWN" || bookings(patterns, chosen(source), lead));
  const groups = shown.map((lead) => ({ text: LEADS[lead], of: (pattern) => pattern.leadTimes.find((each) => each.leadTime === lead)?.bookings ?? 0 }));
  const known = shown.filter((lead) => lead !== "UNKNOWN");
  const count = (wanted) => wanted.reduce((sum, lead) => sum + bookings(patterns, chosen(source), lead), 0);
  const sentence = `${percent(count(["UNDER_2_HOURS", "SAME_DAY"]), count(known))} of bookings are made on the day itself, ${percent(count(["DAYS_8_TO_14", "DAYS_15_TO_28", "OVER_28_DAYS"]), count(known))} more than a week ahead.`;
  return split({ title: "How early people book", first: "Before the visit", unit: "bookings", isAcross: true }, sentence, groups, patterns, source, bars);
}

/** Parties that come or came, by size. */
export function sizes(patterns, source, bars) {
  const all = source ? patterns.sources[source] : patterns.total;
  const largest = Math.max(1, ...all.partySizes.map(({ partySize }) => partySize ?? 0));
  const groups = Array.from({ length: largest }, (_, index) => index + 1).map((size) => sized(size, size === LARGEST ? "20+" : String(size)));
  if (all.partySizes.some(({ partySize }) => partySize === null)) groups.push(sized(null, "Not known"));
  const [common] = [...all.partySizes].sort((one, other) => other.parties - one.parties);
  const sentence = common ? `Most often ${common.partySize ?? "unknown"}: ${percent(common.parties, total(all.partySizes, "parties"))} of parties.` : "";
  return split({ title: "Party sizes", first: "Size", unit: "parties" }, sentence, groups, patterns, source, bars);
}

function sized(size, text) {
  return { text, of: (pattern) => pattern.partySizes.find(({ partySize }) => partySize === size)?.parties ?? 0 };
}

function bookings({ sources }, keys, lead) {
  return keys.reduce((sum, key) => sum + sources[key].leadTimes.find(({ leadTime }) => leadTime === lead).bookings, 0);
}

function split({ title, first, unit, isAcross }, sentence, groups, patterns, source, bars) {
  const keys = chosen(source);
  const sets = keys.map((key) => ({ key, text: SOURCES[key], values: groups.map(({ of }) => of(patterns.sources[key])) }));
  const sums = groups.map((_, index) => sets.reduce((sum, { values }) => sum + values[index], 0));
  const whole = sums.reduce((sum, each) => sum + each, 0);
  const bySource = keys.length > 1 ? sets : [];
  const counts = unit[0].toUpperCase() + unit.slice(1);
  return figure(title, sentence, {
    keys,
    plot: bars.add({ name: title, unit, labels: groups.map(({ text }) => text), sets, isStacked: true, isAcross }),
    table: numbers(title, [first, counts, ...bySource.map(({ text }) => text), "Share"],
      groups.map(({ text }, index) => [text, number(sums[index]), ...bySource.map(({ values }) => number(values[index])), percent(sums[index], whole)])),
  });
}
