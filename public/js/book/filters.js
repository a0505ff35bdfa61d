/** What of the day is shown: by source, by status, and by what is searched for. */

import { el } from "../elements.js";
import { STATUSES } from "../words.js";

// A phone shows the book first and its filters when asked; elsewhere they are always open.
const ROOMY = matchMedia("(min-width: 48.01rem)");
const SOURCES = { "": "All", OPENTABLE: "OpenTable", LINEUP: "Lineup" };

/** The filters over the book; they stay as they are from day to day. */
export class Filters {
  /** @param {() => void} changed */
  constructor(changed) {
    const statuses = Object.entries(STATUSES).map(([status, { word }]) => [status, word]);
    this.search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search name, table, request or phone" });
    this.form = el("form", { class: "filters", input: changed, submit: (event) => event.preventDefault() },
      choice("Status", "status", [["", "All"], ...statuses]),
      choice("Source", "source", Object.entries(SOURCES)),
      this.search);
    this.node = el("details", { class: "folded" }, el("summary", {}, "Filter and search"), this.form);
    ROOMY.onchange = () => { this.node.open = ROOMY.matches; };
    ROOMY.onchange();
  }

  /** Whether a status or something in particular is looked for. */
  get isSeeking() {
    return this.search.value.trim() !== "" || new FormData(this.form).get("status") !== "";
  }

  /** Those reservations that pass. */
  passed(reservations) {
    const { source, status } = Object.fromEntries(new FormData(this.form));
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return reservations.filter((each) =>
      (!source || each.source.system === source)
      && (!status || each.status === status)
      && words.every((word) => searched(each).includes(word)));
  }

  /** Show how many reservations each status has; one that none has is out of the way. */
  count(reservations) {
    for (const option of this.form.querySelectorAll("[name=status]")) {
      const count = reservations.filter(({ status }) => !option.value || status === option.value).length;
      option.parentElement.querySelector(".count").textContent = String(count);
      option.parentElement.hidden = count === 0 && option.value !== "" && !option.checked;
    }
  }
}

function searched({ dinerName, phone, tableNumbers, specialRequests, venueNotes }) {
  return [dinerName, phone, ...tableNumbers, specialRequests, venueNotes].join(" ").toLowerCase();
}

function choice(legend, name, options) {
  return el("fieldset", {},
    el("legend", { class: "spoken" }, legend),
    options.map(([value, text]) =>
      el("label", { class: "chip" },
        el("input", { type: "radio", name, value, checked: value === "" }),
        el("span", {}, text, name === "status" ? el("span", { class: "count" }) : null))));
}
