/** The printed list of a day. The browser prints it, or saves it as a PDF. */

import { labels } from "../ui/labels.js";
import { html, render } from "../ui/view.js";

const MAX_NOTE_LENGTH = 240;
const NOT_EXPECTED = new Set(["CANCELLED", "NO_SHOW"]);
const words = labels.daySheet;

/**
 * Build the sheet when the browser prints, however printing is started.
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
          <span class="sheet-facts">${words.summary(expected.length, covers)}
            ${expected.length < total && ` · ${words.filtered(expected.length, total)}`}
            ${" · "}${words.printed(format.moment(now))}${seenAt && Date.now() - seenAt > 60_000 && ` · ${words.asOf(format.timeOrMoment(new Date(seenAt).toISOString()))}`}</span>
        </th></tr>
        <tr>${words.columns.map((text) => html`<th>${text}</th>`)}</tr>
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
  return text.length > MAX_NOTE_LENGTH ? `${text.slice(0, MAX_NOTE_LENGTH)}…` : text;
}
