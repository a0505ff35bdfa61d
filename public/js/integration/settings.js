/** The settings that a manager may change. */

import { el, fill, note } from "../legacy/elements.js";

const SCHEMES = {
  "standard-webhooks": "Signed (Standard Webhooks)",
  bearer: "Bearer token",
  basic: "User and password",
};

/** The form of the settings. */
export function settings(integration, change) {
  const problem = el("div", { role: "alert" });
  async function submit(event) {
    event.preventDefault();
    const said = new FormData(event.target);
    try {
      await change({
        timeZone: said.get("timeZone").trim(),
        country: said.get("country").trim().toUpperCase() || null,
        webhookAuth: said.getAll("webhookAuth"),
      }, "The settings are saved.");
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
  }
  return el("form", { class: "panel stack", submit },
    el("h2", {}, "Settings"),
    el("p", {}, "OpenTable's number of this restaurant: ", el("strong", {}, integration.restaurantId ?? "none yet"), "; an operator sets it."),
    el("label", {}, "Time zone", el("input", { name: "timeZone", required: true, list: "zones", value: integration.timeZone ?? "" }), zones()),
    el("label", {}, "Country, for phone numbers without a country code",
      el("input", { name: "country", maxlength: "2", pattern: "[A-Za-z]{2}", placeholder: "US", class: "short", value: integration.country ?? "" })),
    schemes(integration.webhookAuth),
    problem,
    el("div", { class: "row" }, el("button", { class: "primary" }, "Save the settings")));
}

function zones() {
  return el("datalist", { id: "zones" }, Intl.supportedValuesOf("timeZone").map((value) => el("option", { value })));
}

function schemes(held) {
  return el("fieldset", { class: "checks" },
    el("legend", {}, "How webhooks must prove who sends them"),
    Object.entries(SCHEMES).map(([value, text]) => el("label", { class: "check" },
      el("input", { type: "checkbox", name: "webhookAuth", value, checked: held.includes(value) }), text)),
    el("p", { class: "muted" }, "With none of them every webhook is refused."));
}
