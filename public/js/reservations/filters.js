/** Filters, search and sorting of the day's reservations. */

import { Dialog, ErrorAlert, LoadingOrError, StatusBadge } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { html, useAction, useEffect, useLoaded, useNarrow, useState } from "../ui/view.js";

export const DEFAULT_FILTERS = { query: "", status: "", source: "", sort: "time" };
const MIN_QUERY_LENGTH = 2;
const MIN_PHONE_DIGITS = 3;
// Letters that Unicode does not decompose into a base letter and an accent.
const LETTERS = { ł: "l", ø: "o", đ: "d", ð: "d", þ: "th", ß: "ss", æ: "ae", œ: "oe", ı: "i", ħ: "h", ŧ: "t" };
const words = labels.reservations;

/** Return the reservations that pass all filters. */
export function filterReservations(reservations, { query, status, source }) {
  const matches = createMatcher(query);
  return reservations.filter((each) =>
    (!status || each.status === status) && (!source || each.source.system === source) && matches(each));
}

/** Whether a filter or a search is active. Sorting hides nothing. */
export function isFiltered({ query, status, source }) {
  return query.trim() !== "" || status !== "" || source !== "";
}

/** Fold a text as the search of all days does: "José O’Łukasz" becomes "jose olukasz". */
function foldText(text) {
  const plain = text.normalize("NFKD").replaceAll(/[\p{M}'’ʼ]/gu, "").toLowerCase();
  return plain.replaceAll(/[łøđðþßæœıħŧ]/g, (letter) => LETTERS[letter]);
}

/** Every word must occur; a phone number matches in any notation. */
function createMatcher(query) {
  const folded = foldText(query).split(/\s+/).filter(Boolean);
  const phone = phoneDigits(query);
  return (each) => {
    const { dinerName, phone: stored, tableNumbers, specialRequests, venueNotes, openTableNotes, visitTags, server } = each;
    if (phone && stored && stored.replaceAll(/\D/g, "").includes(phone)) return true;
    const text = foldText([dinerName, server, ...tableNumbers, specialRequests, venueNotes, openTableNotes, ...visitTags].filter(Boolean).join(" "));
    return folded.every((word) => text.includes(word));
  };
}

/** The digits of a query that is a phone number, without the prefixes "00" and "0"; else empty. */
function phoneDigits(query) {
  if (!/^[\d\s()+./-]+$/.test(query)) return "";
  const digits = query.replaceAll(/\D/g, "").replace(/^0+/, "");
  return digits.length >= MIN_PHONE_DIGITS ? digits : "";
}

/** The controls. On a narrow screen they are folded; active filters stay visible. */
export function Filters({ session, day, filters, setFilters, shownCount, incompleteCount, searchRef }) {
  const isNarrow = useNarrow();
  const [isOpen, setOpen] = useState(!isNarrow);
  const [isSearchingAll, setSearchingAll] = useState(false);
  useEffect(() => setOpen(!isNarrow), [isNarrow]);

  const all = day.reservations;
  const statuses = Object.entries(labels.statuses)
    .map(([value, { text }]) => ({ value, text, number: all.filter(({ status }) => status === value).length }))
    .filter(({ value, number }) => number > 0 || value === filters.status);
  const set = (change) => setFilters({ ...filters, ...change });
  const active = [filters.query.trim(), labels.statuses[filters.status]?.text, labels.sources[filters.source]].filter(Boolean);
  return html`
    <div class="filters">
      <details open=${isOpen} onToggle=${(event) => setOpen(event.target.open)}>
        <summary>${words.filterAndSearch}</summary>
        <form onSubmit=${(event) => event.preventDefault()}>
          <input type="search" ref=${searchRef} placeholder=${words.search} aria-label=${words.searchLabel} value=${filters.query}
            onInput=${(event) => set({ query: event.target.value })} />
          <label class="sort">${words.sort}
            <select value=${filters.sort} onChange=${(event) => set({ sort: event.target.value })}>
              ${Object.entries(words.sorts).map(([value, text]) => html`<option value=${value} selected=${value === filters.sort}>${text}</option>`)}
            </select>
          </label>
          <${Choices} legend=${words.source} name="source" value=${filters.source} onChoose=${(source) => set({ source })}
            options=${[{ value: "", text: words.all }, ...Object.entries(labels.sources).map(([value, text]) => ({ value, text }))]} />
          <${Choices} legend=${words.status} name="status" value=${filters.status} onChoose=${(status) => set({ status })}
            options=${[{ value: "", text: words.all, number: all.length }, ...statuses]} />
        </form>
      </details>
      ${incompleteCount > 0 && html`
        <button type="button" class="pointer" onClick=${() => document.getElementById("incomplete").scrollIntoView()}>${words.incompleteCount(incompleteCount)}</button>`}
      ${isFiltered(filters) && html`
        <p class="active-filters">
          <strong>${active.join(" · ")}</strong> ${words.shown(shownCount, all.length)}
          <button type="button" class="quiet" onClick=${() => setFilters({ ...DEFAULT_FILTERS, sort: filters.sort })}>${words.clear}</button>
          ${filters.query.trim().length >= MIN_QUERY_LENGTH && html`
            <button type="button" class="quiet" onClick=${() => setSearchingAll(true)}>${words.searchAllDays}</button>`}
        </p>`}
      ${isSearchingAll && html`<${AllDaysSearch} session=${session} query=${filters.query.trim()} onClose=${() => setSearchingAll(false)} />`}
    </div>`;
}

function Choices({ legend, name, value, options, onChoose }) {
  return html`
    <fieldset>
      <legend class="visually-hidden">${legend}</legend>
      ${options.map((option) => html`
        <label class="chip" key=${option.value}>
          <input type="radio" name=${name} value=${option.value} checked=${option.value === value} onChange=${() => onChoose(option.value)} />
          <span>${option.text}${option.number != null && html` <span class="count">${option.number}</span>`}</span>
        </label>`)}
    </fieldset>`;
}

/** Guests on all days. The query is in the body of the request, never in an address. */
function AllDaysSearch({ session, query, onClose }) {
  const { format } = session;
  const [pages, setPages] = useState([]);
  const { data, error } = useLoaded(() => session.api.post("reservations/search", { text: query }), [query]);
  useEffect(() => { if (data) setPages([data]); }, [data]);
  const { run, isBusy, error: moreError } = useAction();
  const found = pages.flatMap(({ reservations }) => reservations);
  const next = pages.at(-1)?.next;

  const extend = () => run(async () => {
    const page = await session.api.post("reservations/search", { text: query, cursor: next });
    setPages([...pages, page]);
  });

  return html`
    <${Dialog} className="sheet" label=${words.allDaysTitle(query)} onClose=${onClose}>
      <div class="sheet-head">
        <h2>${words.allDaysTitle(query)}</h2>
        <button type="button" data-initial-focus onClick=${onClose}>${labels.close}</button>
      </div>
      ${!data && html`<${LoadingOrError} error=${error} />`}
      ${data && !found.length && html`<p class="empty">${words.allDaysEmpty}</p>`}
      <ul class="results">
        ${found.map((each) => html`
          <li key=${each.id}>
            <a href=${session.linkTo("reservations", each.serviceDate ?? format.today(), "r", each.id)} onClick=${onClose}>
              <span dir="auto">${each.dinerName ?? words.unknownGuest}</span></a>
            <span class="muted">${each.localDate ? format.shortDay(each.localDate) : words.unknownTime}${each.localTime ? `, ${format.wallTime(each.localTime)}` : ""} · ${each.partySize ?? "?"} ${words.guests(each.partySize)}</span>
            <${StatusBadge} status=${each.status} />
          </li>`)}
      </ul>
      ${next && html`<button type="button" disabled=${isBusy} onClick=${extend}>${words.allDaysMore}</button>`}
      <${ErrorAlert} error=${moreError} />
    <//>`;
}
