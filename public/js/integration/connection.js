/** Trying the connection to OpenTable. */

import { button, el, fill, note } from "../legacy/elements.js";

/** The part that tries the connection as it is stored now. */
export function connection(house) {
  const outcome = el("div", { "aria-live": "polite" });
  async function attempt() {
    test.disabled = true;
    fill(outcome, el("p", { class: "muted" }, "Asking OpenTable …"));
    fill(outcome, await house.api.post("integration/test").then(inWords, (refused) => note("bad", refused.message)));
    test.disabled = false;
  }
  const test = button("Test the connection", attempt);
  return el("section", { class: "panel stack" },
    el("h2", {}, "Connection"), el("div", { class: "row" }, test), outcome);
}

function inWords({ works, rows, problem }) {
  if (!works) return note("bad", problem);
  return note("good", rows ? "OpenTable answered with a reservation." : "OpenTable answered; its book is empty.");
}
