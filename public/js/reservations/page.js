/** The reservations of a day, updated live. */

import { Dialog, LoadingOrError, Note } from "../ui/components.js";
import { addDays, isDate } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { html, useEffect, useLayoutEffect, useLoaded, useNarrow, useRef, useState } from "../ui/view.js";
import { useDay } from "./day.js";
import { ReservationDetail } from "./detail.js";
import { DEFAULT_FILTERS, Filters, filterReservations } from "./filters.js";
import { DayList, groupReservations, HourBars, printOnDemand, sumShifts } from "./list.js";

const TEXT_FIELDS = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
const words = labels.reservations;

/** Addresses: `reservations`, `reservations/2026-11-28` and `reservations/2026-11-28/r/{id}`. */
export function Screen({ session, path }) {
  const [date = null, marker, reservationId = null] = path;
  if (date !== null && (!isDate(date) || (marker && marker !== "r"))) {
    return html`
      <h1>${words.title}</h1>
      <${Note} level="bad">${words.wrongDate(date)}<//>
      <p><a href=${session.linkTo("reservations")}>${labels.shell.notFoundLink}</a></p>`;
  }
  return html`<${Day} session=${session} date=${date} reservationId=${reservationId} />`;
}

/** `reservation/{id}`: leads to the reservation on its day, for links that do not know the day. */
export function Redirect({ session, path: [id] }) {
  const { data, error } = useLoaded(() => session.api.get(`reservations/${encodeURIComponent(id)}`), [id]);
  useEffect(() => {
    // A reservation without a date is listed on every day.
    if (data) session.replaceAddress("reservations", data.serviceDate ?? session.format.today(), "r", id);
  }, [data]);
  if (error?.status !== 404) return html`<${LoadingOrError} error=${error} />`;
  return html`
    <p class="empty">${labels.reservations.notFound}</p>
    <a href=${session.linkTo("reservations")}>${labels.shell.notFoundLink}</a>`;
}

function Day({ session, date, reservationId }) {
  const { format } = session;
  const { day, error, seenAt, changedIds, recentChanges, now, refresh } = useDay(session, date);
  const [filters, setFilters] = useRemembered(session, "filters", DEFAULT_FILTERS);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const search = useRef(null);
  const shownDate = date ?? day?.date ?? null;
  const all = day ? [...day.reservations, ...day.incomplete, ...day.removed] : [];
  const shown = day ? filterReservations(day.reservations, filters) : [];
  const incomplete = day ? filterReservations(day.incomplete, filters) : [];
  const reservation = reservationId && all.find(({ id }) => id === reservationId);

  useEffect(() => {
    session.setShownDay(shownDate);
    session.setTitle(reservation ? `${reservation.dinerName ?? words.unknownGuest} · ${format.shortDay(shownDate)}` : shownDate ? format.shortDay(shownDate) : "");
    // A link without a date keeps following today.
    session.memory.day = date;
  }, [shownDate, reservation?.dinerName, date]);
  useEffect(() => day && printOnDemand(session, () => ({ day, shown, seenAt })), [day, filters, seenAt]);

  useFocusAfterClose(session, reservationId);

  const goToDay = (to) => session.goTo("reservations", to);
  const openReservation = (id) => {
    session.memory.isOpenedFromList = true;
    session.goTo("reservations", day.date, "r", id);
  };
  const actions = {
    search: () => openSearch(search.current),
    previousDay: () => shownDate && goToDay(addDays(shownDate, -1)),
    nextDay: () => shownDate && goToDay(addDays(shownDate, 1)),
    today: () => session.goTo("reservations"),
    print: () => day && globalThis.print(),
    help: () => setHelpOpen(true),
  };
  // Before the next key: an effect after painting would still act on the previous day.
  useLayoutEffect(() => {
    const listen = (event) => handleShortcut(event, actions);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  });

  return html`
    <div class="reservations">
      <${DayBar} format=${format} date=${shownDate} actions=${actions} goToDay=${goToDay} />
      ${error && html`<${Note} level="bad">${error.message}<//>`}
      ${!day && !error && html`<p class="empty">${labels.loading}</p>`}
      ${day && html`
        ${day.reservations.length > 0 && html`<${Overview} format=${format} reservations=${day.reservations} showHour=${(key) => showGroup(key, filters, setFilters)} />`}
        <${RecentChanges} changes=${recentChanges} format=${format} />
        <${Filters} session=${session} day=${day} filters=${filters} setFilters=${setFilters} shownCount=${shown.length}
          incompleteCount=${incomplete.length} searchRef=${search} />
        <${DayList} session=${session} day=${day} shown=${shown} incomplete=${incomplete} filters=${filters} setFilters=${setFilters}
          changedIds=${changedIds} now=${now} linkToReservation=${(each) => session.linkTo("reservations", day.date, "r", each.id)}
          openReservation=${openReservation} />`}
      ${reservationId && day && html`
        <${ReservationDetail} key=${reservationId} session=${session} id=${reservationId} listed=${reservation || null} date=${day.date} now=${now}
          onChanged=${refresh} onClose=${() => closeReservation(session, date)} />`}
      ${isHelpOpen && html`<${ShortcutHelp} onClose=${() => setHelpOpen(false)} />`}
    </div>`;
}

function DayBar({ format, date, actions, goToDay }) {
  const isNarrow = useNarrow();
  const isToday = date === format.today();
  return html`
    <div class="day-bar">
      <h1>${date ? (isNarrow ? format.shortDay(date) : format.day(date)) : words.title}</h1>
      <div class="days">
        <button type="button" aria-label=${words.previousDay} title=${words.previousDay} onClick=${actions.previousDay}>‹</button>
        <button type="button" aria-current=${isToday ? "date" : null} onClick=${actions.today}>${words.today}</button>
        <button type="button" aria-label=${words.nextDay} title=${words.nextDay} onClick=${actions.nextDay}>›</button>
        <input type="date" aria-label=${words.chooseDay} value=${date ?? ""} onChange=${(event) => event.target.value && goToDay(event.target.value)} />
        <button type="button" class="print-button" onClick=${actions.print}>${words.print}</button>
        <button type="button" class="help-button" aria-label=${words.shortcuts} title=${words.shortcuts} onClick=${actions.help}>?</button>
      </div>
    </div>`;
}

function Overview({ format, reservations, showHour }) {
  const expected = reservations.filter(({ status }) => status !== "CANCELLED" && status !== "NO_SHOW");
  const covers = expected.reduce((sum, { partySize }) => sum + (partySize ?? 0), 0);
  const shifts = sumShifts(expected);
  return html`
    <div class="overview">
      <p class="total"><strong>${words.covers(covers)}</strong> ${words.inReservations(expected.length)}</p>
      ${shifts.length > 1 && html`<p class="shifts">${shifts.map(({ name, covers: number }) => words.shift(name, number)).join(" · ")}</p>`}
      <${HourBars} groups=${groupReservations(expected, "time", format)} showHour=${showHour} />
    </div>`;
}

function RecentChanges({ changes, format }) {
  const [newest, ...earlier] = changes;
  if (!newest) return null;
  const line = ({ at, text }) => html`<time datetime=${at}>${format.time(at)}</time> ${text}`;
  return html`
    <details class="recent">
      <summary title=${words.recentTitle}>${line(newest)}</summary>
      <ol>${earlier.map((change) => html`<li>${line(change)}</li>`)}</ol>
    </details>`;
}

function ShortcutHelp({ onClose }) {
  return html`
    <${Dialog} className="confirm" label=${labels.shortcuts.title} onClose=${onClose}>
      <div class="stack">
        <h2>${labels.shortcuts.title}</h2>
        <dl class="shortcuts">${labels.shortcuts.keys.map(([keys, text]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${text}</dd></div>`)}</dl>
        <button type="button" data-initial-focus onClick=${onClose}>${labels.close}</button>
      </div>
    <//>`;
}

/** Run the action of a key; keys in text fields and in dialogs keep their usual meaning. */
function handleShortcut(event, actions) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches?.(TEXT_FIELDS) || document.querySelector("dialog[open]")) return;
  const moves = {
    "/": actions.search,
    "?": actions.help,
    j: () => moveToRow(1),
    ArrowDown: () => moveToRow(1),
    k: () => moveToRow(-1),
    ArrowUp: () => moveToRow(-1),
    ArrowLeft: event.target.matches?.("input[type=radio]") ? undefined : actions.previousDay,
    ArrowRight: event.target.matches?.("input[type=radio]") ? undefined : actions.nextDay,
    t: actions.today,
    p: actions.print,
  };
  const run = moves[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!run || run() === false) return;
  event.preventDefault();
}

/** Focus the next or previous visible reservation; false if the arrow keys should scroll instead. */
function moveToRow(step) {
  const links = [...document.querySelectorAll(".rows tbody tr[data-id] .name a")].filter((link) => link.checkVisibility());
  const index = links.indexOf(document.activeElement);
  const next = index === -1 ? links[step > 0 ? 0 : links.length - 1] : links[index + step];
  if (!next) return false;
  next.focus();
  return true;
}

/** Keep state in the session, so that it is there again after another screen. */
function useRemembered(session, key, initial) {
  const [value, setValue] = useState(session.memory[key] ?? initial);
  useEffect(() => { session.memory[key] = value; }, [value]);
  return [value, setValue];
}

function openSearch(input) {
  if (!input) return;
  const folded = input.closest("details");
  if (folded) folded.open = true;
  input.focus();
  input.select();
}

function showGroup(key, filters, setFilters) {
  if (filters.sort !== "time") setFilters({ ...filters, sort: "time" });
  requestAnimationFrame(() => document.getElementById(`group-${key}`)?.scrollIntoView({ block: "start" }));
}

/** Leave the dialog as the Back button does, unless it was opened by its own link. */
function closeReservation(session, date) {
  if (session.memory.isOpenedFromList) history.back();
  else session.replaceAddress("reservations", date);
  session.memory.isOpenedFromList = false;
}

/** After a dialog the focus returns to its row, or to the content if the row is not visible. */
function useFocusAfterClose(session, reservationId) {
  const previous = useRef(reservationId);
  useEffect(() => {
    const closed = previous.current;
    previous.current = reservationId;
    if (!closed || reservationId) return;
    const link = document.querySelector(`tr[data-id="${CSS.escape(closed)}"] a`);
    if (link?.checkVisibility()) link.focus({ preventScroll: true });
    else session.focusMain();
  }, [reservationId]);
}
