/** What was kept aside, open ones first. */

import { el, fill, note } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";
import { counted, moment } from "../legacy/times.js";

const STATUSES = { OPEN: ["watch", "Open"], REPLAYED: ["fine", "Applied"], DISMISSED: ["fine", "Dismissed"] };

/** Open the quarantine. */
export function openQuarantine(house) {
  const content = el("div", { class: "stack" }, el("p", { class: "muted" }, "Reading …"));
  house.api.get("quarantine?limit=100").then(
    (quarantine) => fill(content, listed(house, quarantine)),
    (refused) => fill(content, note("bad", refused.message)));
  return {
    node: el("div", { class: "office" },
      el("h1", {}, "Quarantine"),
      el("p", { class: "muted" }, "Messages that proved who sent them but could not be applied. None is lost."),
      content),
  };
}

/** An item's status as a mark. */
export function itemStatus(status) {
  const [level, word] = STATUSES[status] ?? ["watch", status];
  return el("span", { class: `result ${level}` }, word);
}

function listed(house, { openCount, items }) {
  const summary = openCount
    ? note("watch", `${counted(openCount, "message")} to look at.`)
    : note("good", "Nothing waits here. Every message was applied or settled.");
  if (!items.length) return summary;
  return [summary, table("Kept aside", ["When", "Why", "State", "Came"], items.map((item) => [
    el("a", { href: house.way("kept", item.id) }, moment(item.receivedAt, house.zone)),
    item.detail,
    itemStatus(item.status),
    item.count === 1 ? "once" : `${item.count} times`,
  ]))];
}
