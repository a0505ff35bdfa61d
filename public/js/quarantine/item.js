/** One message that was kept aside: why, what it says, and what to do with it. */

import { button, el, factList, fill, note } from "../legacy/elements.js";
import { moment } from "../legacy/times.js";
import { itemStatus } from "./list.js";
import { settling } from "./settling.js";

/** Open an item. */
export function openQuarantineItem(house, id) {
  const content = el("div", { class: "stack" }, el("p", { class: "muted" }, "Reading …"));
  const path = `quarantine/${encodeURIComponent(id)}`;
  const read = () => house.api.get(path).then(
    (item) => fill(content, ...told(house, path, item, read)),
    (refused) => fill(content, note("bad", refused.message)));
  read();
  return {
    node: el("div", { class: "office" },
      el("p", {}, el("a", { href: house.way("quarantine") }, "All that is kept aside")),
      el("h1", {}, "Kept aside"), content),
  };
}

function told(house, path, item, again) {
  return [
    note(item.status === "OPEN" ? "watch" : "good", item.detail),
    factList([
      ["State", itemStatus(item.status)],
      ["First came", moment(item.receivedAt, house.zone)],
      ["Last came", moment(item.lastSeenAt, house.zone)],
      ["How often", String(item.count)],
      ["Reason", el("code", {}, item.reason)],
    ]),
    ...message(house, path, item),
    settling(house, path, item, again),
  ];
}

function message(house, path, item) {
  const text = el("pre", { tabindex: "0", "aria-label": "The message" }, pretty(item.body));
  const problem = el("div", { role: "alert" });
  const unmask = button("Show personal details", async () => {
    try {
      text.textContent = pretty((await house.api.get(`${path}?unmask=true`)).body);
      reveal.remove();
      text.focus();
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
  });
  const reveal = el("div", { class: "row" }, unmask, el("span", { class: "muted" }, "That you looked is written down."));
  return [el("h2", {}, "The message"), text, reveal, problem];
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
