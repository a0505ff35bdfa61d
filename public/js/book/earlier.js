/** The part of a day that is over, folded away so that the book opens at what is still to do. */

import { el } from "../elements.js";
import { counted } from "../times.js";
import { statusWord } from "../words.js";
import { Rows } from "./rows.js";

const OVER = new Set(["COMPLETED", "CANCELLED", "NO_SHOW"]);
const WORTH_FOLDING = 3;

/** The fold above the book's rows. */
export class Earlier {
  /** @param {(id: string) => void} choose As for `Rows`. */
  constructor(choose) {
    this.rows = new Rows("Earlier reservations", choose);
    this.summary = el("summary", {});
    this.node = el("details", { class: "earlier", hidden: true }, this.summary, this.rows.node);
  }

  /** Fold what is over before the first reservation that is not, unless it is searched; return the rest. */
  fold(reservations, changed, isSearched) {
    const first = reservations.findIndex(({ status }) => !OVER.has(status));
    const count = !isSearched && first >= WORTH_FOLDING ? first : 0;
    const over = reservations.slice(0, count);
    this.node.hidden = count === 0;
    this.summary.textContent = `${counted(count, "earlier reservation")}: ${inWords(over)}`;
    this.rows.draw(over, changed);
    return reservations.slice(count);
  }
}

function inWords(over) {
  return [...OVER]
    .map((status) => [over.filter((each) => each.status === status).length, statusWord(status).toLowerCase()])
    .filter(([count]) => count)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}
