/** A reservation's story: what changed, when, and by which way it came. */

import { button, el, factList, fill, note } from "../elements.js";
import { ago, dayInWords, moment } from "../times.js";
import { fieldWord, seenChanges, statusWord, valueInWords } from "../words.js";
import { sourceBadge, statusMark } from "./marks.js";

const WAYS = {
  WEBHOOK: "came by webhook",
  POLL: "found by asking OpenTable",
  RECONCILIATION: "found by the hourly check",
  STAFF: "done on this page",
  REPLAY: "applied from the quarantine",
};
const SPEAKERS = { OPENTABLE: "OpenTable", RELAY: "OpenTable, by the relay", LINEUP: "Lineup" };
const LEFT_AS_IT_WAS = {
  stale: "An older message came late; nothing changed",
  duplicate: "The same message again",
  unchanged: "Heard again, nothing new",
};

/** Open a reservation's story as a screen: who it is about, and all that was heard. */
export function openStory(house, id) {
  const about = el("div", { class: "stack" });
  const content = el("div", {}, el("p", { class: "muted" }, "Reading …"));
  house.api.get(`reservations/${encodeURIComponent(id)}`).then(
    (reservation) => fill(about, ...headOf(house, reservation)),
    () => {}); // The story says what is wrong.
  story(house, id).then((told) => fill(content, told));
  return { node: el("div", { class: "office" }, el("h1", {}, "A reservation's story"), about, content) };
}

function headOf(house, each) {
  const day = each.localDate && el("a", { href: house.way("book", each.localDate) }, dayInWords(each.localDate));
  return [
    el("h2", {}, each.dinerName ?? "Unknown guest"),
    el("p", { class: "marks" }, statusMark(each.status), sourceBadge(each.source.system)),
    factList([["Day", day], ["Time", each.localTime], ["Party", each.partySize && String(each.partySize)], ["Table", each.tableNumbers.join(", ")]]),
  ];
}

/** Build a reservation's time line, oldest first. */
export async function story(house, id) {
  const list = el("ol", { class: "story" });
  const more = button("Show what came later", () => extend(), { hidden: true });
  let cursor = "";

  async function extend() {
    const path = `reservations/${encodeURIComponent(id)}/events?limit=50`;
    const page = await house.api.get(cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path);
    list.append(...page.events.map((event) => entry(event, house.zone)));
    cursor = page.next;
    more.hidden = cursor === null;
  }

  try {
    await extend();
  } catch (refused) {
    return note("bad", refused.message);
  }
  return list.children.length ? [list, more] : el("p", { class: "muted" }, "Nothing was written about it here yet.");
}

function entry(event, zone) {
  const changes = seenChanges(event.changes);
  return el("li", { "data-source": event.source },
    el("time", { datetime: event.occurredAt, title: ago(event.occurredAt) }, moment(event.occurredAt, zone)),
    el("p", { class: "what" }, headline(event, changes)),
    changes.length ? el("ul", { class: "moves" }, changes.map((change) => el("li", {}, move(change, zone)))) : null,
    el("p", { class: "muted" }, `${SPEAKERS[event.actor] ?? event.actor}, ${WAYS[event.source] ?? event.source}`));
}

function headline({ eventType, outcome, changes }, seen) {
  if (eventType === "staff.cancelled") return "Cancelled by staff";
  if (eventType === "guest.linked") return "The guest's details were looked up";
  if (LEFT_AS_IT_WAS[outcome]) return LEFT_AS_IT_WAS[outcome];
  if (outcome === "created") return "Taken into the book";
  if (changes.status && changes.status.from !== changes.status.to) return statusWord(changes.status.to);
  return seen.length ? "Changed" : "Noted; nothing that is seen changed";
}

function move([path, { from, to }], zone) {
  const was = valueInWords(path, from, zone);
  const is = valueInWords(path, to, zone);
  return was === "nothing" ? `${fieldWord(path)}: ${is}` : `${fieldWord(path)}: ${was} → ${is}`;
}
