/** What a phone shows when asked is always open elsewhere. */

import { el } from "../legacy/elements.js";

const ROOMY = matchMedia("(min-width: 48.01rem)");

ROOMY.addEventListener("change", () => {
  for (const node of document.querySelectorAll(".patterns details.folded")) node.open = ROOMY.matches;
});

/** A part that a phone folds away. */
export function folded(summary, attributes, ...children) {
  return el("details", { ...attributes, class: `folded ${attributes.class ?? ""}`.trim(), open: ROOMY.matches }, el("summary", {}, summary), ...children);
}
