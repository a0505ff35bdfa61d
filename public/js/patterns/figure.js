/** A figure: a heading, what it says in a sentence, the chart, and its numbers as a table. */

import { el } from "../legacy/elements.js";
import { folded } from "./roomy.js";
import { SOURCES } from "./sources.js";

/**
 * Build a figure.
 * @param {string} title
 * @param {string} sentence What is to be seen at a glance.
 * @param {{keys?: string[], plot: Node, table: Node}} parts The sources that the colours stand for,
 *   where there are several.
 */
export function figure(title, sentence, { keys = [], plot, table }) {
  return el("section", { class: "figure" },
    el("h2", {}, title),
    el("p", { class: "says" }, sentence),
    el("div", { class: "plotted" }, keys.length > 1 ? legend(keys.map((key) => [key, SOURCES[key]])) : null, plot),
    folded("The numbers", { class: "numbers" }, table));
}

/** Which colour stands for what. */
export function legend(entries) {
  return el("ul", { class: "legend" }, entries.map(([key, text]) =>
    el("li", {}, el("span", { class: "swatch", "data-key": key, "aria-hidden": "true" }), text)));
}

/**
 * A table of numbers, which scrolls by itself where it is long.
 * @param {string} caption
 * @param {string[]} headings
 * @param {string[][]} rows The first cell names its row.
 */
export function numbers(caption, headings, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {},
      el("caption", { class: "visually-hidden" }, caption),
      el("thead", {}, el("tr", {}, headings.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map(([first, ...rest]) =>
        el("tr", {}, el("th", { scope: "row" }, first), rest.map((text) => el("td", {}, text)))))));
}
