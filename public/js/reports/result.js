/** How a check ended, in words. */

import { el } from "../legacy/elements.js";

const WORDS = { created: "added", updated: "corrected", cancelled: "cancelled", divergences: "to look at", skipped: "skipped" };

/** A report's result as a mark. */
export function result(report) {
  const { level, text } = resultOf(report);
  return el("span", { class: `result ${level}` }, text);
}

/** A report's result: how good it is, and its words. */
export function resultOf({ status, counts }) {
  const told = Object.entries(WORDS).filter(([name]) => counts[name]).map(([name, word]) => `${counts[name]} ${word}`);
  const found = told.join(", ");
  if (status === "FAILED") return { level: "bad", text: "Not finished" };
  if (status === "HELD") return { level: "bad", text: "Held: nothing was changed" };
  if (!found) return { level: "good", text: "Nothing differed" };
  if (status === "DRY_RUN") return { level: "watch", text: `Tried only: ${found}` };
  return { level: counts.divergences || counts.skipped ? "watch" : "fine", text: found };
}
