/** Having a held plan carried out, which a manager may. */

import { button, el, fill, note } from "../legacy/elements.js";

/** The part of a report that has its plan carried out, or leads to where it was. */
export function forcing(house, { reportId, status, heldReportId, executedBy }) {
  if (heldReportId) return el("p", {}, el("a", { href: house.way("report", heldReportId) }, "The held report whose plan this carried out"));
  if (executedBy) return el("p", {}, el("a", { href: house.way("report", executedBy) }, "The plan was carried out: what came of it"));
  return status === "HELD" && house.isManager ? offer(house, reportId) : null;
}

function offer(house, reportId) {
  const problem = el("div", { role: "alert" });
  async function force() {
    dialog.close();
    ask.disabled = true;
    try {
      const forced = await house.api.post(`reports/${encodeURIComponent(reportId)}/force`);
      house.say("The plan was carried out.");
      house.trust.now();
      house.go("report", forced.reportId);
    } catch (refused) {
      fill(problem, note("bad", refused.message));
      ask.disabled = false;
    }
  }
  const dialog = question(force);
  const ask = button("Carry out this plan …", () => dialog.showModal());
  return el("div", { class: "stack" }, ask, problem, dialog);
}

function question(force) {
  const dialog = el("dialog", { class: "confirm", "aria-labelledby": "force-what" },
    el("div", { class: "stack" },
      el("h2", { id: "force-what" }, "Carry out this plan?"),
      el("p", {}, "Every reservation below is corrected as listed; one that has moved since is left alone."),
      el("div", { class: "choices" },
        button("Leave it", () => dialog.close()),
        button("Carry it out", force, { class: "danger solid" }))));
  return dialog;
}
