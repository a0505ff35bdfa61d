/** Tables that a narrow screen shows as cards; the roles keep them tables to a screen reader. */

import { el } from "./elements.js";

/**
 * Build a table.
 * @param {string} caption What it lists; heard, not seen.
 * @param {string[]} headings
 * @param {Array<Array<Node|string>>} rows One cell a heading; the first names its row.
 */
export function table(caption, headings, rows) {
  return el("table", { role: "table", class: "cards" },
    el("caption", { class: "visually-hidden" }, caption),
    head(headings),
    el("tbody", { role: "rowgroup" }, rows.map((cells) => row(headings, cells))));
}

/** A table's head of so many headings. */
export function head(headings) {
  return el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
    headings.map((text) => el("th", { role: "columnheader", scope: "col" }, text))));
}

function row(headings, [first, ...rest]) {
  return el("tr", { role: "row" },
    el("th", { role: "rowheader", scope: "row" }, first),
    rest.map((cell, index) =>
      el("td", { role: "cell", "data-label": headings[index + 1] }, cell)));
}
