/** A reservation's status and source as marks that are seen, and words that are heard. */

import { el, spoken } from "./elements.js";
import { STATUSES, statusWord } from "./words.js";

/** The status: a word, with a mark for those who do not see colours. */
export function statusMark(status) {
  return el("span", { class: "status", "data-status": status },
    el("span", { class: "mark", "aria-hidden": "true" }, STATUSES[status]?.mark ?? "?"), statusWord(status));
}

/** The source: OpenTable's rows wear an orange badge. */
export function sourceBadge(system) {
  if (system !== "OPENTABLE") return el("span", { class: "badge" }, system === "LINEUP" ? "Lineup" : "Unknown");
  return el("span", { class: "badge open-table", title: "OpenTable" },
    el("span", { "aria-hidden": "true" }, "OT"), spoken("OpenTable"));
}
