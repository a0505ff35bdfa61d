/** What only an operator may set: OpenTable's number, and another secret. */

import { el, fill, note } from "../legacy/elements.js";

/** The form of the operator's settings. */
export function operators(integration, change) {
  const problem = el("div", { role: "alert" });
  async function submit(event) {
    event.preventDefault();
    const said = new FormData(event.target);
    const rid = said.get("restaurantId").trim();
    try {
      await change({ ...(rid ? { restaurantId: rid } : {}), secret: said.get("secret").trim() || null }, "The operator's settings are saved.");
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
  }
  return el("form", { class: "panel stack", submit },
    el("h2", {}, "For operators"),
    el("label", {}, "OpenTable's number of this restaurant (rid)",
      el("input", { name: "restaurantId", inputmode: "numeric", pattern: "[0-9]{1,18}", value: integration.restaurantId ?? "" })),
    el("label", {}, "Name of the restaurant's own secret",
      el("input", { name: "secret", pattern: "[A-Za-z0-9_\\-]{1,255}", value: integration.secret ?? "" })),
    el("p", { class: "muted" }, "Without one, the partner's secret serves it."),
    problem,
    el("div", { class: "row" }, el("button", {}, "Save the operator's settings")));
}
