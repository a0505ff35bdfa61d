/** Counts of reservations: busiest times, lead times, party sizes, cancellations and no-shows. */

import { ErrorAlert, LoadingOrError, Note } from "../ui/components.js";
import { addDays } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useAction, useEffect, useLoaded, useMemo, useNarrow, useRef, useState } from "../ui/view.js";
import { BusiestTimes, Covers, formatShare, LeadTimes, Losses, PartySizes } from "./figures.js";

const words = managerLabels.analytics;
/** First and last day of each span, counted from today. */
const SPANS = { last4: [-28, -1], last13: [-91, -1], last52: [-364, -1], next4: [0, 27] };
const MAX_LISTED_SPANS = 3;
// Some browsers read the file only after the click.
const FILE_KEPT_MS = 60_000;

/** The path is the shown days, `from_to`; without one, the four weeks up to yesterday. */
export function Screen({ session, path: [span] }) {
  const [source, setSource] = useState("");
  const [from, to] = (span ?? "").split("_");
  const query = new URLSearchParams(from && to ? { from, to } : {});
  const { data, error } = useLoaded(() => session.api.get(`analytics?${query}`), [span]);
  // Today, and the default days, stay known while other days are loaded.
  const latest = useRef(null);
  if (data) latest.current = data;
  const days = from && to ? { from, to } : latest.current;
  // Charts are drawn again only when their numbers change, not with each render of the frame.
  const content = useMemo(() => data && html`<${Content} format=${session.format} data=${data} source=${source} />`, [data, source, session]);
  return html`
    <div class="analytics">
      <div class="day-bar"><h1>${labels.screens.analytics}</h1><${Download} session=${session} query=${query} /></div>
      <${Selection} today=${latest.current?.today} from=${days?.from} to=${days?.to} source=${source} onSource=${setSource}
        onDays=${(first, last) => session.goTo("analytics", `${first}_${last}`)} />
      ${content ?? html`<${LoadingOrError} error=${error} />`}
    </div>`;
}

/**
 * The selection of days and source.
 * @param {{today?: string, from?: string, to?: string, source: string,
 *   onDays: (from: string, to: string) => void, onSource: (source: string) => void}} props `today`,
 *   `from` and `to` are unknown before the first answer. The source is empty for all.
 */
function Selection({ today, from, to, source, onDays, onSource }) {
  const isNarrow = useNarrow();
  const form = useRef(null);

  // Not properties of the inputs: a render would replace what the person is entering.
  useEffect(() => {
    form.current.elements.from.value = from ?? "";
    form.current.elements.to.value = to ?? "";
  }, [from, to]);

  function submit(event) {
    event.preventDefault();
    onDays(form.current.elements.from.value, form.current.elements.to.value);
  }

  const spans = Object.entries(SPANS).map(([name, offsets]) => {
    const [first, last] = today ? offsets.map((days) => addDays(today, days)) : [];
    return html`<${Chip} key=${name} name="span" text=${words.spans[name]} isChecked=${today && first === from && last === to}
      onSelect=${() => onDays(first, last)} />`;
  });
  const sources = [["", words.allSources], ...Object.entries(labels.sources)].map(([value, text]) => html`
    <${Chip} key=${value} name="source" text=${text} isChecked=${value === source} onSelect=${() => onSource(value)} />`);
  return html`
    <form class="choice" ref=${form} onSubmit=${submit}>
      <fieldset class="chips" disabled=${!today}><legend class="visually-hidden">${words.days}</legend>${spans}</fieldset>
      <fieldset class="chips"><legend class="visually-hidden">${words.source}</legend>${sources}</fieldset>
      <details class="folded" open=${!isNarrow}>
        <summary>${words.otherDays}</summary>
        <div class="row">
          <label>${words.from}<input type="date" name="from" required /></label>
          <label>${words.to}<input type="date" name="to" required /></label>
          <button>${words.show}</button>
        </div>
      </details>
    </form>`;
}

function Chip({ name, text, isChecked, onSelect }) {
  return html`<label class="chip"><input type="radio" name=${name} checked=${Boolean(isChecked)} onChange=${onSelect} /><span>${text}</span></label>`;
}

function Download({ session, query }) {
  const { run, isBusy, error } = useAction();
  const download = () => run(async () => {
    await saveCsv(session.api, query);
    session.announce(words.downloaded);
  });

  return html`
    <div>
      <button type="button" disabled=${isBusy} onClick=${download}>${words.download}</button>
      <${ErrorAlert} error=${error} />
    </div>`;
}

async function saveCsv(api, query) {
  const response = await api.call("GET", `analytics?${new URLSearchParams([...query, ["format", "csv"]])}`);
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition")) ?? [];
  const href = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement("a"), { href, download: name ?? "analytics.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(href), FILE_KEPT_MS);
}

function Content({ format, data, source }) {
  const { days, from, to } = data;
  const selected = source ? data.sources[source] : data.total;
  if (!days.length) return html`<${MissingDays} format=${format} data=${data} />`;
  const parts = { format, data, source };
  return html`
    <div class="figures">
      <p class="muted">${words.counted(format.daySpan(from, to), days.length)}</p>
      <${MissingDays} format=${format} data=${data} />
      ${selected.bookings || selected.walkIns
        ? html`
          <${KeyFigures} ...${parts} />
          <${BusiestTimes} ...${parts} />
          <${Covers} ...${parts} />
          <${LeadTimes} ...${parts} />
          <${PartySizes} ...${parts} />
          <${Losses} format=${format} data=${data} />`
        : html`<${Note} level="watch">${words.noReservations}<//>`}
    </div>`;
}

/** The days without counts: they are not days without guests. */
function MissingDays({ format, data: { days, absent, from, to, today } }) {
  if (!days.length) return html`<${Note} level="watch">${from > today ? words.noDataYet : words.noData}<//>`;
  if (!absent.length) return null;
  const spans = absent.slice(0, MAX_LISTED_SPANS).map((span) => {
    if (span.from === from) return words.before(format.shortDay(days[0].date));
    if (span.to === to) return words.after(format.shortDay(days.at(-1).date));
    return words.on(format.daySpan(span.from, span.to));
  });
  return html`<${Note} level="watch">${words.missing(spans, absent.length - MAX_LISTED_SPANS)}<//>`;
}

function KeyFigures({ format, data: { days, sources, total }, source }) {
  const selected = source ? sources[source] : total;
  const { covers, bookings, walkIns, cancelled, noShows, parties } = selected;
  const names = words.figures;
  const share = (part, whole) => formatShare(format, whole ? part / whole : null);
  const figures = [
    [names.covers, format.number(covers), words.perDay(format.average(covers / days.length))],
    [names.bookings, format.number(bookings), source
      ? words.ofAll(format.number(total.bookings))
      : words.throughOpenTable(share(sources.OPENTABLE.bookings, bookings))],
    [names.partySize, parties ? format.average(covers / parties) : labels.unknown, words.average],
    [names.walkIns, format.number(walkIns), words.ofParties(share(walkIns, parties))],
    [names.cancelled, formatShare(format, selected.cancellationRate), words.bookings(cancelled)],
    [names.noShows, formatShare(format, selected.noShowRate), words.bookings(noShows)],
  ];
  return html`
    <dl class="glance keys">
      ${figures.map(([name, value, detail]) => html`<div key=${name}><dt>${name}</dt><dd><strong>${value}</strong><span>${detail}</span></dd></div>`)}
    </dl>`;
}
