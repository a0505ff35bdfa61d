/** Settling a message: see what it would do, apply it, or dismiss it. */

import { button, el, fill, note } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";
import { fieldWord, seenChanges, valueInWords } from "../legacy/words.js";

/** The part of an item's screen that settles it; nothing where it was applied. */
export function settling(house, path, item, again) {
  if (item.status === "REPLAYED") return null;
  const outcome = el("div", { class: "stack", "aria-live": "polite" });
  return el("section", { class: "stack" },
    el("h2", {}, "What to do"),
    el("div", { class: "row" }, button("See what it would do", () => rehearse(house, path, outcome, again))),
    outcome,
    item.status === "OPEN" ? dismissal(house, path, again) : null);
}

async function rehearse(house, path, outcome, again) {
  try {
    const told = await house.api.post(`${path}/replay?dryRun=true`);
    const apply = button("Apply it", () => replay(house, path, outcome, again), { class: "primary" });
    fill(outcome, ...difference(told, house.zone), el("div", { class: "row" }, apply));
  } catch (refused) {
    fill(outcome, note("bad", refused.message));
  }
}

async function replay(house, path, outcome, again) {
  try {
    await house.api.post(`${path}/replay`);
    settled(house, "The message was applied.", again);
  } catch (refused) {
    fill(outcome, note("bad", refused.message));
  }
}

function difference({ outcome, changes }, zone) {
  const seen = seenChanges(changes);
  if (!seen.length) return [note("good", `Nothing that is seen would change (${outcome}).`)];
  return [
    note("watch", outcome === "created" ? "It would add this reservation:" : "It would change this reservation:"),
    table("The difference", ["Field", "Now", "Then"], seen.map(([field, { from, to }]) => [
      fieldWord(field), valueInWords(field, from, zone), valueInWords(field, to, zone),
    ])),
  ];
}

function dismissal(house, path, again) {
  const reason = el("input", { name: "reason", required: true, maxlength: "500" });
  const problem = el("div", { role: "alert" });
  async function submit(event) {
    event.preventDefault();
    try {
      await house.api.post(`${path}/dismiss`, { reason: reason.value.trim() });
      settled(house, "The message was dismissed.", again);
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
  }
  return el("form", { class: "row", submit },
    el("label", {}, "Dismiss it, because", reason), el("button", {}, "Dismiss"), problem);
}

function settled(house, text, again) {
  house.say(text);
  house.trust.now();
  again();
}
