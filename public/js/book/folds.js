/** The parts of a day that are out of the way: what is over, and what does not come. */

import { el } from "../elements.js";
import { counted } from "../times.js";
import { statusWord } from "../words.js";
import { Rows } from "./rows.js";

const OVER = ["COMPLETED", "NO_SHOW"];
const WORTH_FOLDING = 3;

/**
 * Part a day so that the book opens at what is still to do.
 * @param {boolean} isSought Whether something is filtered or searched for: then all stays in sight.
 * @returns {{earlier: Array, open: Array, cancelled: Array}}
 */
export function parted(reservations, isSought) {
  if (isSought) return { earlier: [], open: reservations, cancelled: [] };
  const cancelled = reservations.filter(({ status }) => status === "CANCELLED");
  const rest = reservations.filter(({ status }) => status !== "CANCELLED");
  const first = rest.findIndex(({ status }) => !OVER.includes(status));
  const count = first >= WORTH_FOLDING ? first : 0;
  return { earlier: rest.slice(0, count), open: rest.slice(count), cancelled };
}

/** Rows that are folded away under a sentence. */
export class Fold {
  /**
   * @param {string} caption
   * @param {(id: string) => void} choose As for `Rows`.
   */
  constructor(caption, choose) {
    this.rows = new Rows(caption, choose);
    this.summary = el("summary", {});
    this.node = el("details", { class: "fold", hidden: true }, this.summary, this.rows.node);
  }

  /** Fold rows away; where there are none, nothing is seen of it. */
  draw(reservations, changed, sentence) {
    this.node.hidden = reservations.length === 0;
    this.summary.textContent = sentence;
    this.rows.draw(reservations, changed);
  }
}

/** What is over, in words. */
export function earlierInWords(earlier) {
  const told = OVER
    .map((status) => [earlier.filter((each) => each.status === status).length, statusWord(status).toLowerCase()])
    .filter(([count]) => count)
    .map(([count, word]) => `${count} ${word}`);
  return `${counted(earlier.length, "earlier reservation")}: ${told.join(", ")}`;
}

/** What does not come, in words. */
export function cancelledInWords(cancelled) {
  return `${counted(cancelled.length, "cancelled reservation")}`;
}
