/** The key figures of a span of days. */

import { el } from "../legacy/elements.js";
import { counted } from "../legacy/times.js";
import { average, number, percent } from "./sources.js";

/** The key figures. */
export function headline({ days, sources, total }, pattern) {
  const { covers, bookings, walkIns, cancelled, noShows, parties } = pattern;
  return el("dl", { class: "glance keys" },
    key("Covers", number(covers), `${average(covers / days.length)} a day`),
    key("Bookings", number(bookings), pattern === total ? `${percent(sources.OPENTABLE.bookings, bookings)} through OpenTable` : `of ${number(total.bookings)} in all`),
    key("Party", parties ? average(covers / parties) : "–", "people on average"),
    key("Walk-ins", number(walkIns), `${percent(walkIns, parties)} of parties`),
    key("Cancelled", percent(pattern.cancellationRate), counted(cancelled, "booking")),
    key("Did not come", percent(pattern.noShowRate), counted(noShows, "booking")));
}

function key(name, value, more) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, el("strong", {}, value), el("span", {}, more)));
}
