/** Cancelling a reservation, where that is ours to do. */

import { button, el, note } from "../elements.js";

const OVER = new Set(["CANCELLED", "COMPLETED", "NO_SHOW"]);
const WHY_NOT = {
  OPENTABLE: "OpenTable reservations must be cancelled through OpenTable.",
  other: "This reservation was not made in Lineup: cancel it where it was made.",
};

/** The button, or the reason in words why it cannot be pressed; null where all is over. */
export function cancelPart(house, reservation, cancelled) {
  if (OVER.has(reservation.status)) return null;
  const { system } = reservation.source;
  if (system !== "LINEUP") return refusedPart(WHY_NOT[system] ?? WHY_NOT.other);
  const dialog = confirmation(house, reservation, cancelled);
  return [button("Cancel this reservation …", () => dialog.showModal(), { class: "danger" }), dialog];
}

function refusedPart(reason) {
  return [
    el("button", { type: "button", class: "danger", disabled: true, "aria-describedby": "why-not" }, "Cancel this reservation …"),
    el("p", { id: "why-not", class: "why" }, reason),
  ];
}

function confirmation(house, reservation, cancelled) {
  // One key for this wish: pressed twice, or sent again, it is cancelled once.
  const key = crypto.randomUUID();
  const reason = el("textarea", { name: "reason", rows: "2", maxlength: "500" });
  const problem = el("div", { role: "alert" });
  const confirm = el("button", { class: "danger solid" }, "Cancel the reservation");

  async function submit(event) {
    event.preventDefault();
    confirm.disabled = true;
    const said = reason.value.trim();
    const path = `reservations/${encodeURIComponent(reservation.id)}/cancel`;
    try {
      await house.api.post(path, said ? { reason: said } : {}, { "Idempotency-Key": key });
      dialog.close();
      cancelled();
    } catch (refused) {
      problem.replaceChildren(note("bad", refused.message));
      confirm.disabled = false;
    }
  }

  const dialog = el("dialog", { class: "confirm", "aria-labelledby": "cancel-what" },
    el("form", { class: "stack", submit },
      el("h2", { id: "cancel-what" }, `Cancel ${reservation.dinerName ?? "this reservation"}?`),
      el("p", {}, `${reservation.partySize ?? "?"} at ${reservation.localTime ?? "an unknown time"}. The guest is not told by this page.`),
      el("label", {}, "Reason (optional)", reason),
      problem,
      el("div", { class: "choices" }, button("Keep it", () => dialog.close()), confirm)));
  return dialog;
}
