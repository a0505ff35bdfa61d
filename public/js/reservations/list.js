/** The list of a day, on the screen and on paper: groups, folded parts, and covers by hour and shift. */

import { SourceBadge, StatusBadge, VisuallyHidden } from "../ui/components.js";
import { labels, statusText } from "../ui/labels.js";
import { html, render } from "../ui/view.js";
import { DEFAULT_FILTERS, isFiltered } from "./filters.js";

const MINUTE_MS = 60_000;
const LATE_AFTER_MINUTES = 15;
// After that nobody waits for the party: its status was not kept.
const NOT_LATE_AFTER_MINUTES = 240;
const LATE_STEP_MINUTES = 5;
const FINISHED = ["COMPLETED", "NO_SHOW"];
const NOT_EXPECTED = new Set(["CANCELLED", "NO_SHOW"]);
const EXPECTED = new Set(["BOOKED", "CONFIRMED"]);
const MAX_PRINTED_NOTE_LENGTH = 240;
const words = labels.reservations;
const sheetWords = labels.daySheet;
const SHIFTS = [
  { name: words.shifts.breakfast, from: "05:00", to: "11:00" },
  { name: words.shifts.lunch, from: "11:00", to: "16:00" },
  { name: words.shifts.dinner, from: "16:00", to: "24:00" },
];
const byText = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Group reservations for a sort order; each group is `{key, name, reservations, covers}`. */
export function groupReservations(reservations, sort, format) {
  const orders = {
    time: (each) => (each.localTime ? { key: each.localTime.slice(0, 2), name: format.hour(Number(each.localTime.slice(0, 2))) } : { key: "none", name: words.unknownTime }),
    table: (each) => (each.tableNumbers.length ? { key: each.tableNumbers[0], name: `${words.table} ${each.tableNumbers[0]}` } : { key: "", name: words.noTable }),
    server: (each) => (each.server ? { key: each.server, name: each.server } : { key: "", name: words.noServer }),
    status: (each) => ({ key: String(Object.keys(labels.statuses).indexOf(each.status)), name: statusText(each.status) }),
    name: () => ({ key: "name", name: "" }),
  };
  const groups = new Map();
  for (const each of reservations) {
    const { key, name } = orders[sort](each);
    const group = groups.get(key) ?? { key, name, reservations: [], covers: 0 };
    group.reservations.push(each);
    group.covers += each.partySize ?? 0;
    groups.set(key, group);
  }
  const list = [...groups.values()];
  // Times keep the order of the day, which may end after midnight.
  if (sort !== "time") list.sort((a, b) => Number(a.key === "") - Number(b.key === "") || byText.compare(a.key, b.key));
  if (sort === "name") for (const group of list) group.reservations.sort((a, b) => byText.compare(a.dinerName ?? "", b.dinerName ?? ""));
  return list;
}

/** Covers by shift: `{name, covers}` for each shift with reservations. */
export function sumShifts(reservations) {
  const sums = new Map();
  for (const { localTime, partySize } of reservations) {
    if (!localTime) continue;
    // After midnight it is still dinner.
    const shift = SHIFTS.find(({ from, to }) => localTime >= from && localTime < to) ?? SHIFTS.at(-1);
    sums.set(shift.name, (sums.get(shift.name) ?? 0) + (partySize ?? 0));
  }
  return [...sums].map(([name, covers]) => ({ name, covers }));
}

/** Covers by hour; a bar leads to its hour in the list. */
export function HourBars({ groups, showHour }) {
  const timed = groups.filter(({ key }) => key !== "none");
  if (!timed.length) return null;
  const most = Math.max(...timed.map(({ covers }) => covers), 1);
  return html`
    <ol class="hours" aria-label=${words.coversByHour}>
      ${timed.map(({ key, name, covers }) => html`
        <li key=${key}>
          <button type="button" onClick=${() => showHour(key)}>
            <span class="count">${covers}<${VisuallyHidden}> ${words.coversAt} <//></span>
            <span class="bar" style=${{ "--share": covers / most }}></span>
            <span class="hour">${name}</span>
          </button>
        </li>`)}
    </ol>`;
}

/**
 * The reservations of a day. Finished, cancelled and removed ones are folded, unless somebody filters
 * or searches.
 */
export function DayList({ session, day, shown, incomplete, filters, setFilters, ...row }) {
  const { format } = session;
  const filtered = isFiltered(filters);
  const fold = (test) => (filtered ? [] : shown.filter(test));
  const finished = fold(({ status }) => FINISHED.includes(status));
  const cancelled = fold(({ status }) => status === "CANCELLED");
  const folded = new Set([...finished, ...cancelled]);
  const open = shown.filter((each) => !folded.has(each));
  const table = (caption, groups) => html`<${ReservationTable} session=${session} caption=${caption} groups=${groups} ...${row} />`;
  const one = (reservations) => [{ key: "all", name: "", reservations }];
  return html`
    ${open.length > 0 && table(words.captions.open, groupReservations(open, filters.sort, format))}
    ${shown.length === 0 && html`
      <p class="empty">${filtered && day.reservations.length
        ? html`${words.noMatch} <button type="button" class="quiet" onClick=${() => setFilters({ ...DEFAULT_FILTERS, sort: filters.sort })}>${words.clear}</button>`
        : words.none}</p>`}
    ${finished.length > 0 && html`
      <details class="fold"><summary>${words.finished(countByStatus(finished))}</summary>${table(words.captions.finished, one(finished))}</details>`}
    ${cancelled.length > 0 && html`
      <details class="fold"><summary>${words.cancelled(cancelled.length)}</summary>${table(words.captions.cancelled, one(cancelled))}</details>`}
    ${day.removed.length > 0 && html`
      <details class="fold"><summary>${words.removed(day.removed.length)}</summary>${table(words.captions.removed, one(day.removed))}</details>`}
    ${incomplete.length > 0 && html`
      <section class="incomplete" id="incomplete">
        <h2>${words.incomplete}</h2><p>${words.incompleteHint}</p>${table(words.captions.incomplete, one(incomplete))}
      </section>`}`;
}

function countByStatus(reservations) {
  return FINISHED
    .map((status) => [reservations.filter((each) => each.status === status).length, statusText(status).toLowerCase()])
    .filter(([number]) => number)
    .map(([number, text]) => words.finishedPart(number, text));
}

function ReservationTable({ session, caption, groups, ...row }) {
  return html`
    <table role="table" class="rows">
      <caption class="visually-hidden">${caption}</caption>
      <thead role="rowgroup"><tr role="row">${words.columns.map((text) => html`<th role="columnheader" scope="col">${text}</th>`)}</tr></thead>
      ${groups.map(({ key, name, reservations, covers }) => html`
        <tbody role="rowgroup" key=${key} id=${name ? `group-${key}` : null}>
          ${name && html`<tr role="row" class="group"><th role="rowheader" scope="rowgroup" colspan="7">${words.groupHead(name, reservations.length, covers)}</th></tr>`}
          ${reservations.map((each) => html`<${ReservationRow} key=${each.id} session=${session} reservation=${each} ...${row} />`)}
        </tbody>`)}
    </table>`;
}

function ReservationRow({ session, reservation, changedIds, now, linkToReservation, openReservation }) {
  const { id, localTime, partySize, dinerName, tableNumbers, specialRequests, venueNotes, openTableNotes, visitTags, status, source } = reservation;
  const notes = [visitTags.join(", "), specialRequests, venueNotes, openTableNotes].filter(Boolean).join(" · ");
  const tags = [describeLateness(reservation, now, session.simulatedClock), describeWarning(reservation)].filter(Boolean);
  const open = (event) => {
    // Ctrl and the middle button open the link in a new tab.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openReservation(id);
  };
  return html`
    <tr role="row" data-id=${id} data-status=${status} class=${changedIds.has(id) ? "changed" : null} onClick=${open}>
      <td role="cell" class="time">${localTime ? session.format.wallTime(localTime) : html`?<${VisuallyHidden}> ${words.unknownTime}<//>`}</td>
      <td role="cell" class="party">${partySize ?? "?"}<span class="unit"> ${words.guests(partySize)}</span></td>
      <th role="rowheader" scope="row" class="name"><a href=${linkToReservation(reservation)} dir="auto">${dinerName ?? words.unknownGuest}</a></th>
      <td role="cell" class="table">${tableNumbers.length > 0 && html`<span class="unit">${words.table} </span>${tableNumbers.join(", ")}`}</td>
      <td role="cell" class="notes">${tags.map((tag) => html`<span class="tag">${tag}</span>`)}<span class="text" dir="auto">${notes}</span></td>
      <td role="cell" class="status-cell"><${StatusBadge} status=${status} /></td>
      <td role="cell" class="source"><${SourceBadge} system=${source.system} /></td>
    </tr>`;
}

/** A short warning about a row; empty without one. */
export function describeWarning({ startAt, partySize, reconciliationStatus, reviewDecision }) {
  if (startAt === null || partySize === null) return labels.warnings.incomplete;
  if (reviewDecision) return "";
  return reconciliationStatus === "DIVERGED" ? labels.warnings.diverged : "";
}

/**
 * How late a party is, in words; empty if it is not. A simulated evening has its own clock, so nobody
 * is late there.
 */
export function describeLateness({ status, startAt, source }, now, isSimulated) {
  if (!EXPECTED.has(status) || !startAt) return "";
  const minutes = (now - Date.parse(startAt)) / MINUTE_MS;
  if (!isSimulated && minutes >= LATE_AFTER_MINUTES && minutes <= NOT_LATE_AFTER_MINUTES) {
    return words.late(Math.floor(minutes / LATE_STEP_MINUTES) * LATE_STEP_MINUTES);
  }
  return source.state === "Late" ? words.willBeLate : "";
}

/**
 * Build the printed list when the browser prints, however printing is started.
 * @param {object} session
 * @param {() => {day: object, shown: Array, seenAt: number}} read Returns the current list.
 * @returns {() => void} Removes it again.
 */
export function printOnDemand(session, read) {
  const target = document.getElementById("print");
  const build = () => render(html`<${DaySheet} session=${session} ...${read()} />`, target);
  const clear = () => render(null, target);
  addEventListener("beforeprint", build);
  addEventListener("afterprint", clear);
  return () => {
    removeEventListener("beforeprint", build);
    removeEventListener("afterprint", clear);
    clear();
  };
}

function DaySheet({ session, day, shown, seenAt }) {
  const { format } = session;
  const expected = shown.filter(({ status }) => !NOT_EXPECTED.has(status));
  const total = day.reservations.filter(({ status }) => !NOT_EXPECTED.has(status)).length;
  const covers = expected.reduce((sum, { partySize }) => sum + (partySize ?? 0), 0);
  const now = new Date().toISOString();
  // The head is a row of the table, so that it is on every page.
  return html`
    <table class="day-sheet">
      <thead>
        <tr class="sheet-title"><th colspan="6">
          <span class="restaurant-name">${session.restaurantName}</span> ${format.day(day.date)}, ${day.date.slice(0, 4)}
          <span class="sheet-facts">${sheetWords.summary(expected.length, covers)}
            ${expected.length < total && ` · ${sheetWords.filtered(expected.length, total)}`}
            ${" · "}${sheetWords.printed(format.moment(now))}${seenAt && Date.now() - seenAt > 60_000 && ` · ${sheetWords.asOf(format.timeOrMoment(new Date(seenAt).toISOString()))}`}</span>
        </th></tr>
        <tr>${sheetWords.columns.map((text) => html`<th>${text}</th>`)}</tr>
      </thead>
      <tbody>
        ${expected.map((each) => html`
          <tr key=${each.id}>
            <td>${each.localTime ? format.wallTime(each.localTime) : "?"}</td>
            <td>${each.partySize ?? "?"}</td>
            <td dir="auto">${each.dinerName ?? labels.reservations.unknownGuest}</td>
            <td>${each.tableNumbers.join(", ")}</td>
            <td>${each.phone}</td>
            <td dir="auto">${shorten([each.visitTags.join(", "), each.specialRequests, each.venueNotes, each.openTableNotes].filter(Boolean).join(" · "))}</td>
          </tr>`)}
      </tbody>
    </table>`;
}

function shorten(text) {
  return text.length > MAX_PRINTED_NOTE_LENGTH ? `${text.slice(0, MAX_PRINTED_NOTE_LENGTH)}…` : text;
}
