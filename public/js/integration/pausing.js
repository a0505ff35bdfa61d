/** Pausing and resuming the integration. */

import { button, el, fill, note } from "../legacy/elements.js";

/** The part that pauses, after a question, or resumes. */
export function pausing({ enabled }, change) {
  const problem = el("div", { role: "alert" });
  const turn = (on) => change({ enabled: on }, on ? "OpenTable's changes arrive again." : "Paused.")
    .catch((refused) => fill(problem, note("bad", refused.message)));
  const dialog = question(() => turn(false));
  return el("section", { class: "panel stack" },
    el("h2", {}, enabled ? "Running" : "Paused"),
    el("p", {}, enabled ? "OpenTable's changes arrive in the book." : "OpenTable's changes do not arrive. Once resumed, what was missed is fetched."),
    el("div", { class: "row" }, enabled
      ? button("Pause …", () => dialog.showModal())
      : button("Resume", () => turn(true), { class: "primary" })),
    problem, dialog);
}

function question(pause) {
  const dialog = el("dialog", { class: "confirm", "aria-labelledby": "pause-what" },
    el("div", { class: "stack" },
      el("h2", { id: "pause-what" }, "Pause the integration?"),
      el("p", {}, "New bookings, changes and cancellations at OpenTable will not show in the book until it is resumed."),
      el("div", { class: "choices" },
        button("Keep it running", () => dialog.close()),
        button("Pause", () => { dialog.close(); pause(); }, { class: "danger solid" }))));
  return dialog;
}
