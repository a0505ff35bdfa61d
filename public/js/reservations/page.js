/** The reservations of a day, updated live. */

import { readStoredLists, storeDay } from "../offline.js";
import { Dialog, Note, useNarrow } from "../ui/components.js";
import { addDays, isDate } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { usePolling } from "../ui/poller.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../ui/view.js";
import { describeChanges, listChanges } from "./changes.js";
import { printOnDemand } from "./day-sheet.js";
import { ReservationDetail } from "./detail.js";
import { DEFAULT_FILTERS, Filters, filterReservations } from "./filters.js";
import { DayList, groupReservations, HourBars, sumShifts } from "./list.js";
import { handleShortcut } from "./shortcuts.js";

const PAUSE_MS = 2_500; // with the request itself well below five seconds
const MINUTE_MS = 60_000;
const MAX_RECENT_CHANGES = 20;
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
        <${Overview} format=${format} reservations=${day.reservations} showHour=${(key) => showGroup(key, filters, setFilters)} />
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

/** Load a day and keep it up to date. One day's rows never stand under another day's date. */
function useDay(session, date) {
  const [state, setState] = useState({ changedIds: new Set(), recentChanges: [] });
  const current = useRef({});
  const storedAt = useRef(0);

  if (current.current.date !== date && current.current.day?.date !== date) {
    current.current = { date };
    applyStoredDay(current.current);
  }
  const { day = null, error = null, seenAt = null } = current.current;

  const refresh = usePolling(async () => {
    const loading = current.current;
    try {
      const response = await session.api.getIfChanged(date ? `reservations?date=${date}` : "reservations", loading.etag);
      if (current.current !== loading) return;
      session.reportConnection();
      loading.seenAt = Date.now();
      loading.error = null;
      if (response) takeDay(loading, response);
      if (response || Date.now() - storedAt.current > MINUTE_MS) {
        storeDay(session.api.restaurantId, session.me, loading.day);
        storedAt.current = Date.now();
      }
      setState((before) => (response || Date.now() - (before.now ?? 0) > MINUTE_MS ? { ...before, now: Date.now() } : before));
    } catch (problem) {
      if (current.current !== loading) return;
      takeError(loading, problem);
      setState((before) => ({ ...before }));
      throw problem;
    }
  }, PAUSE_MS, [session, date]);
  useEffect(() => {
    setState({ changedIds: new Set(), recentChanges: [], now: Date.now() });
    // A stored list comes first; the status strip shows its time until the server answers.
    if (current.current.day) session.reportConnectionLoss({ status: null }, current.current.seenAt);
    return () => session.reportConnection();
  }, [current.current]);

  function takeDay(loading, { etag, body }) {
    // A stored list is not what somebody just looked at.
    const changes = loading.etag && loading.day.date === body.date ? listChanges(loading.day, body, session.format) : [];
    loading.etag = etag;
    loading.day = body;
    if (changes.length) session.announce(describeChanges(changes));
    const at = new Date().toISOString();
    setState(({ recentChanges }) => ({
      now: Date.now(),
      changedIds: new Set(changes.map(({ id }) => id)),
      recentChanges: [...changes.map(({ text }) => ({ at, text })).reverse(), ...recentChanges].slice(0, MAX_RECENT_CHANGES),
    }));
  }

  function takeError(loading, problem) {
    if (!problem.isTemporary) {
      loading.error = problem;
      return;
    }
    if (!loading.day) loading.error = { message: words.offlineDay };
    session.reportConnectionLoss(problem, loading.seenAt);
  }

  function applyStoredDay(loading) {
    const days = readStoredLists(session.api.restaurantId)?.days ?? [];
    const stored = date ? days.find((each) => each.day.date === date) : days[0];
    if (stored) Object.assign(loading, { day: stored.day, seenAt: stored.savedAt });
  }

  return { ...state, day, error, seenAt, now: state.now ?? Date.now(), refresh };
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
      <${HourBars} format=${format} groups=${groupReservations(expected, "time", format)} showHour=${showHour} />
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
