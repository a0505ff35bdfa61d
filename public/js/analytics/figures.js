/** The figures of the analytics screen. Each gets the API's response and the source, empty for all. */

import { VisuallyHidden } from "../ui/components.js";
import { addDays } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html } from "../ui/view.js";
import { Figure } from "./chart.js";

const words = managerLabels.analytics;
// More days are shown by week.
const MAX_DAYS = 62;
const DAYS_PER_WEEK = 7;
// The API counts larger parties with this size.
const LARGEST_PARTY = 20;
const SAME_DAY_LEADS = ["UNDER_2_HOURS", "SAME_DAY"];
const EARLY_LEADS = ["DAYS_8_TO_14", "DAYS_15_TO_28", "OVER_28_DAYS"];

/** Average covers by weekday and hour, the darker the busier. */
export function BusiestTimes({ format, data, source }) {
  const text = words.busiest;
  const selected = source ? data.sources[source] : data.total;
  const countedDays = words.weekdays.map((_, index) => data.days.filter(({ date }) => weekdayOf(date) === index + 1).length);
  const cells = selected.hours
    .filter(({ hour, covers }) => hour !== null && covers)
    .map(({ weekday, hour, covers }) => ({ weekday, hour, covers: covers / countedDays[weekday - 1] }));
  if (!cells.length) return null;
  const hours = cells.map(({ hour }) => hour);
  const first = Math.min(...hours);
  const rows = Array.from({ length: Math.max(...hours) - first + 1 }, (_, index) => first + index);
  const busiest = cells.reduce((most, cell) => (cell.covers > most.covers ? cell : most));
  const coversAt = (weekday, hour) => cells.find((cell) => cell.weekday === weekday && cell.hour === hour)?.covers ?? 0;
  return html`
    <section class="figure">
      <h2>${text.title}</h2>
      <p class="says">${text.summary(words.weekdays[busiest.weekday - 1], format.hour(busiest.hour), format.average(busiest.covers))}</p>
      <table class="week">
        <caption class="muted">${text.caption}</caption>
        <thead>
          <tr>
            <th scope="col"><${VisuallyHidden}>${text.hour}<//></th>
            ${words.weekdays.map((day, index) => html`
              <th scope="col" key=${day} class=${countedDays[index] ? null : "none"}><abbr title=${day}>${day.slice(0, 3)}</abbr></th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map((hour) => html`
            <tr key=${hour}>
              <th scope="row">${format.hour(hour)}</th>
              ${countedDays.map((days, index) => (days
                ? html`<${HourCell} format=${format} covers=${coversAt(index + 1, hour)} max=${busiest.covers} />`
                : html`<td class="none"><${VisuallyHidden}>${text.notCounted}<//></td>`))}
            </tr>`)}
        </tbody>
      </table>
    </section>`;
}

function HourCell({ format, covers, max }) {
  if (!covers) return html`<td class="empty" style=${{ "--share": "0" }}><span aria-hidden="true">·</span><${VisuallyHidden}>0<//></td>`;
  return html`<td style=${{ "--share": String(covers / max) }}>${covers < 1 ? format.average(covers) : format.number(covers)}</td>`;
}

/** Covers by day, or by week if there are many days. A day without counts is a gap. */
export function Covers({ format, data, source }) {
  const text = words.covers;
  const keys = listKeys(source);
  const isByWeek = data.days.length > MAX_DAYS;
  const groups = isByWeek ? groupByWeek(data.days) : listDates(data.days).map((day) => ({ first: day.date, days: day.sources ? [day] : [], isWhole: true }));
  const sum = (days, field) => keys.map((key) => (days.length ? days.reduce((total, day) => total + day.sources[key][field], 0) : null));
  const rows = groups.map((group) => ({ ...group, covers: sum(group.days, "covers"), bookings: sum(group.days, "bookings") }));
  const coversOf = (day) => add(keys.map((key) => day.sources[key].covers));
  const busiest = data.days.reduce((most, day) => (coversOf(day) > coversOf(most) ? day : most));
  const summary = text.summary(format.shortDay(busiest.date), format.number(coversOf(busiest)));
  const title = isByWeek ? text.byWeek : text.byDay;
  const formatCount = (days, count) => (days.length ? format.number(count) : labels.unknown);
  const chart = {
    name: title,
    unit: words.units.covers,
    labels: rows.map(({ first, isWhole }) => format.date(first) + (isWhole ? "" : "*")),
    series: keys.map((key, index) => ({ key, text: labels.sources[key], values: rows.map(({ covers }) => covers[index]) })),
    isStacked: true,
  };
  return html`<${Figure} format=${format} title=${title} chart=${chart}
    summary=${rows.every(({ isWhole }) => isWhole) ? summary : `${summary} ${text.partial}`}
    columns=${[isByWeek ? words.columns.week : words.columns.day, words.columns.covers, ...listSourceColumns(keys), words.columns.bookings]}
    rows=${rows.map(({ first, days, isWhole, covers, bookings }) => [
      isWhole ? format.shortDay(first) : text.partialWeek(format.shortDay(first), days.length),
      ...[add(covers), ...(keys.length > 1 ? covers : []), add(bookings)].map((count) => formatCount(days, count)),
    ])} />`;
}

/** Every date from the first counted day to the last, also those without counts. */
function listDates(days) {
  const counted = new Map(days.map((day) => [day.date, day]));
  const dates = [];
  for (let { date } = days[0]; date <= days.at(-1).date; date = addDays(date, 1)) dates.push(counted.get(date) ?? { date });
  return dates;
}

function groupByWeek(days) {
  const weeks = new Map();
  for (const day of listDates(days)) {
    const monday = addDays(day.date, 1 - weekdayOf(day.date));
    if (!weeks.has(monday)) weeks.set(monday, []);
    if (day.sources) weeks.get(monday).push(day);
  }
  return [...weeks].map(([first, counted]) => ({ first, days: counted, isWhole: counted.length === DAYS_PER_WEEK }));
}

/** Bookings by the time between booking and visit. */
export function LeadTimes({ format, data, source }) {
  const text = words.leads;
  const keys = listKeys(source);
  const bookingsOf = (key, lead) => data.sources[key].leadTimes.find(({ leadTime }) => leadTime === lead)?.bookings ?? 0;
  const sum = (leads) => add(leads.flatMap((lead) => keys.map((key) => bookingsOf(key, lead))));
  const leads = Object.keys(text.classes).filter((lead) => lead !== "UNKNOWN" || sum([lead]));
  const known = sum(leads.filter((lead) => lead !== "UNKNOWN"));
  const share = (part) => formatShare(format, known ? sum(part) / known : null);
  const groups = leads.map((lead) => ({ text: text.classes[lead], countOf: (key) => bookingsOf(key, lead) }));
  return html`<${Distribution} format=${format} keys=${keys} title=${text.title} summary=${text.summary(share(SAME_DAY_LEADS), share(EARLY_LEADS))}
    unit=${words.units.bookings} columns=${[words.columns.lead, words.columns.bookings]} groups=${groups} isHorizontal />`;
}

/** Expected and completed visits by party size. */
export function PartySizes({ format, data, source }) {
  const text = words.sizes;
  const keys = listKeys(source);
  const sizes = (source ? data.sources[source] : data.total).partySizes;
  const partiesOf = (key, size) => data.sources[key].partySizes.find(({ partySize }) => partySize === size)?.parties ?? 0;
  const largest = Math.max(1, ...sizes.map(({ partySize }) => partySize ?? 0));
  const groups = Array.from({ length: largest }, (_, index) => index + 1).map((size) => ({
    text: size === LARGEST_PARTY ? `${size}+` : String(size), countOf: (key) => partiesOf(key, size),
  }));
  if (sizes.some(({ partySize }) => partySize === null)) groups.push({ text: words.unknown, countOf: (key) => partiesOf(key, null) });
  const common = sizes.reduce((most, size) => (most && most.parties >= size.parties ? most : size), null);
  const share = common && formatShare(format, common.parties / add(sizes.map(({ parties }) => parties)));
  return html`<${Distribution} format=${format} keys=${keys} title=${text.title}
    summary=${common && text.summary(common.partySize ? text.people(common.partySize) : text.unknownSize, share)}
    unit=${words.units.parties} columns=${[words.columns.size, words.columns.parties]} groups=${groups} />`;
}

/** A figure that divides a total into groups, each by source. */
function Distribution({ format, keys, title, summary, unit, columns, groups, isHorizontal }) {
  const series = keys.map((key) => ({ key, text: labels.sources[key], values: groups.map(({ countOf }) => countOf(key)) }));
  const sums = groups.map((_, index) => add(series.map(({ values }) => values[index])));
  const total = add(sums);
  const chart = { name: title, unit, labels: groups.map(({ text }) => text), series, isStacked: true, isHorizontal };
  return html`<${Figure} format=${format} title=${title} summary=${summary} chart=${chart}
    columns=${[...columns, ...listSourceColumns(keys), words.columns.share]}
    rows=${groups.map(({ text }, index) => [
      text,
      format.number(sums[index]),
      ...(keys.length > 1 ? series.map(({ values }) => format.number(values[index])) : []),
      formatShare(format, total ? sums[index] / total : null),
    ])} />`;
}

/** The rates of all sources, whichever is selected. */
export function Losses({ format, data: { sources, total, today, to } }) {
  const text = words.losses;
  const counts = [...Object.entries(labels.sources).map(([key, name]) => [name, sources[key]]), [words.allRow, total]];
  const { cancelled, noShows } = words.columns;
  const summary = text.summary(total.cancelledCovers, total.noShowCovers);
  const chart = {
    name: text.title,
    unit: words.units.share,
    labels: counts.map(([name]) => name),
    series: [
      { key: "cancelled", text: cancelled, values: counts.map(([, each]) => each.cancellationRate) },
      { key: "noShows", text: noShows, values: counts.map(([, each]) => each.noShowRate) },
    ],
    isRatio: true,
    isHorizontal: true,
  };
  return html`<${Figure} format=${format} title=${text.title} summary=${to >= today ? `${summary} ${text.pastOnly}` : summary} chart=${chart}
    columns=${[words.columns.source, words.columns.bookings, cancelled, noShows]}
    rows=${counts.map(([name, each]) => [
      name,
      format.number(each.bookings),
      `${format.number(each.cancelled)} (${formatShare(format, each.cancellationRate)})`,
      `${format.number(each.noShows)} (${formatShare(format, each.noShowRate)})`,
    ])} />`;
}

/** A ratio as a percentage; a dash if it is null. */
export function formatShare(format, ratio) {
  return ratio === null ? labels.unknown : format.percent(ratio);
}

/** The ISO weekday of a date, 1 for Monday to 7. */
function weekdayOf(date) {
  return new Date(`${date}T12:00:00Z`).getUTCDay() || DAYS_PER_WEEK;
}

function listKeys(source) {
  return source ? [source] : Object.keys(labels.sources);
}

function listSourceColumns(keys) {
  return keys.length > 1 ? keys.map((key) => labels.sources[key]) : [];
}

function add(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
