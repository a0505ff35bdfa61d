/** The book's rows. A row that did not change is not touched, so nothing flickers. */

import { button, el, spoken } from "../elements.js";
import { head } from "../tables.js";
import { doubt } from "./doubts.js";
import { lateness } from "./lateness.js";
import { sourceBadge, statusMark } from "./marks.js";

const HEADINGS = ["Time", "Party", "Name", "Table", "Requests", "Status", "Source"];

/** A table of reservations. */
export class Rows {
  /**
   * @param {string} caption
   * @param {(id: string) => void} choose Is told which reservation was chosen.
   */
  constructor(caption, choose) {
    this.choose = choose;
    this.shown = new Map();
    this.body = el("tbody", { role: "rowgroup" });
    this.node = el("table", { role: "table", class: "rows" },
      el("caption", { class: "spoken" }, caption), head(HEADINGS), this.body);
  }

  /** Show reservations in their order; the changed ones stand out for a moment. */
  draw(reservations, changed) {
    const focused = document.activeElement;
    const focusedId = focused?.closest("tr")?.dataset.id;
    this.forgetAllBut(new Set(reservations.map(({ id }) => id)));
    reservations.forEach((reservation, index) => {
      const row = this.rowOf(reservation, changed.has(reservation.id));
      if (this.body.children[index] !== row) this.body.insertBefore(row, this.body.children[index] ?? null);
    });
    if (focusedId && document.activeElement !== focused) this.focus(focusedId);
    this.node.hidden = reservations.length === 0;
  }

  /** Give a reservation's row the focus; whether it can be seen here. */
  focus(id) {
    const button = this.shown.get(id)?.row.querySelector("button");
    if (!button?.checkVisibility()) return false;
    button.focus({ preventScroll: true });
    return true;
  }

  forgetAllBut(ids) {
    for (const [id, { row }] of this.shown) {
      if (ids.has(id)) continue;
      row.remove();
      this.shown.delete(id);
    }
  }

  rowOf(reservation, isChanged) {
    const late = lateness(reservation);
    const said = JSON.stringify([reservation, late]);
    const held = this.shown.get(reservation.id);
    if (held?.said === said) return held.row;
    const row = this.build(reservation, late);
    row.classList.toggle("changed", isChanged);
    held?.row.replaceWith(row);
    this.shown.set(reservation.id, { said, row });
    return row;
  }

  build(each, late) {
    const tags = [late, doubt(each)].filter(Boolean);
    return el("tr", { role: "row", "data-id": each.id, "data-status": each.status, click: () => this.choose(each.id) },
      cell("time", each.localTime ?? el("span", {}, "?", spoken(" time not known yet"))),
      cell("party", String(each.partySize ?? "?"), el("span", { class: "unit" }, each.partySize === 1 ? " guest" : " guests")),
      el("th", { role: "rowheader", scope: "row", class: "name" }, button(each.dinerName ?? "Unknown guest", (event) => this.open(event, each.id))),
      cell("table", each.tableNumbers.length ? [el("span", { class: "unit" }, "Table "), each.tableNumbers.join(", ")] : null),
      cell("requests", tags.map((tag) => el("span", { class: "tag" }, tag)), [each.specialRequests, each.venueNotes].filter(Boolean).join(" · ")),
      cell("status", statusMark(each.status)),
      cell("source", sourceBadge(each.source.system)));
  }

  open(event, id) {
    event.stopPropagation();
    this.choose(id);
  }
}

function cell(name, ...content) {
  return el("td", { role: "cell", class: name }, ...content);
}
