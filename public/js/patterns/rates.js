/** How many cancel, and how many do not come, by source. */

import { el } from "../legacy/elements.js";
import { figure, legend, numbers } from "./figure.js";
import { SOURCES, number, percent } from "./sources.js";

const MEASURES = [["cancelled", "Cancelled", "cancellationRate"], ["missed", "Did not come", "noShowRate"]];

/** The rates of each source beside each other, whichever source is shown. */
export function rates({ sources, total, today, to }, bars) {
  const rows = [...Object.entries(SOURCES).map(([key, text]) => [text, sources[key]]), ["All", total]];
  const sets = MEASURES.map(([key, text, rate]) => ({ key, text, values: rows.map(([, pattern]) => pattern[rate]) }));
  const name = "Cancelled, and not come";
  return figure(name, sentence(total, to >= today), {
    plot: el("div", {},
      legend(MEASURES.map(([key, text]) => [key, text])),
      bars.add({ name, unit: "share of bookings", labels: rows.map(([text]) => text), sets, isShare: true, isAcross: true })),
    table: numbers(name, ["Source", "Bookings", "Cancelled", "Did not come"], rows.map(([text, each]) => [
      text, number(each.bookings),
      shared(each.cancelled, each.cancellationRate), shared(each.noShows, each.noShowRate),
    ])),
  });
}

function shared(count, rate) {
  return `${number(count)} (${percent(rate)})`;
}

function sentence({ cancelledCovers, noShowCovers }, isOpen) {
  const lost = `${number(cancelledCovers)} covers were cancelled, ${number(noShowCovers)} did not come.`;
  return isOpen ? `${lost} Who did not come is told of days gone by alone.` : lost;
}
