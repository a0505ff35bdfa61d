/** The sources, and numbers in words. */

export const SOURCES = { OPENTABLE: "OpenTable", LINEUP: "Lineup" };

const count = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = new Intl.NumberFormat("en-GB", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A count, e.g. "1,240". */
export function number(value) {
  return count.format(value);
}

/** An average, with a tenth where that tells something, e.g. "3.2" or "54". */
export function average(value) {
  return (value < 10 ? tenth : count).format(value);
}

/** A part of a whole, e.g. "9.8%"; a dash where there is no whole. */
export function percent(part, total = 1) {
  return part == null || !total ? "–" : share.format(part / total);
}

/** The sum of a field over a list. */
export function total(list, field) {
  return list.reduce((sum, each) => sum + each[field], 0);
}

/** The sources that are shown where one, or all, are chosen. */
export function chosen(source) {
  return source ? [source] : Object.keys(SOURCES);
}
