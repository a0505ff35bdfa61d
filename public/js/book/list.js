/** A day's list: what is to do in sight, what is over and what does not come folded away. */

import { button, el } from "../elements.js";
import { counted } from "../times.js";
import { Fold, cancelledInWords, earlierInWords, parted } from "./folds.js";
import { Rows } from "./rows.js";

/** The rows of a day, and apart from them those whose day is not known yet. */
export class List {
  /** @param {(id: string) => void} choose As for `Rows`. */
  constructor(choose) {
    this.earlier = new Fold("Earlier reservations", choose);
    this.open = new Rows("The day's reservations", choose);
    this.cancelled = new Fold("Cancelled reservations", choose);
    this.incomplete = new Rows("Not yet complete", choose);
    this.empty = el("p", { class: "empty", hidden: true });
    this.pointer = button("", () => this.apart.scrollIntoView(), { class: "pointer", hidden: true });
    this.apart = el("section", { class: "apart", hidden: true },
      el("h2", {}, "Not yet complete"),
      el("p", {}, "OpenTable told of a change before the booking itself; the rest follows by itself. These may be on any day."),
      this.incomplete.node);
    this.nodes = [
      this.pointer, this.earlier.node, this.open.node, this.empty, this.cancelled.node, this.apart];
  }

  /**
   * Show a day.
   * @param {{reservations: Array, incomplete: Array}} day
   * @param {import("./filters.js").Filters} filters
   * @param {Set<string>} changed The ids of what stands out for a moment.
   */
  draw({ reservations, incomplete }, filters, changed) {
    const shown = filters.passed(reservations);
    const { earlier, open, cancelled } = parted(shown, filters.isSeeking);
    this.earlier.draw(earlier, changed, earlierInWords(earlier));
    this.open.draw(open, changed);
    this.cancelled.draw(cancelled, changed, cancelledInWords(cancelled));
    this.incomplete.draw(incomplete, changed);
    this.apart.hidden = this.pointer.hidden = incomplete.length === 0;
    this.pointer.textContent = `${counted(incomplete.length, "reservation")} not yet complete, below`;
    this.empty.hidden = shown.length > 0;
    this.empty.textContent = reservations.length ? "Nothing on this day fits the filters." : "Nothing is booked on this day.";
  }

  /** Give a reservation's row the focus; whether it can be seen. */
  focus(id) {
    const tables = [this.open, this.earlier.rows, this.cancelled.rows, this.incomplete];
    return tables.some((rows) => rows.focus(id));
  }
}
