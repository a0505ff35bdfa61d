/** Covers at a glance: the day's, and each hour's. */

import { el, spoken } from "../elements.js";
import { counted } from "../times.js";
import { NOT_COMING } from "../words.js";

/** Covers of those that come or came, as a total and as bars by hour. */
export function covers(reservations) {
  const coming = reservations.filter(({ status }) => !NOT_COMING.has(status));
  const total = coming.reduce(addParty, 0);
  return [
    el("p", { class: "total" },
      el("strong", {}, counted(total, "cover")), ` in ${counted(coming.length, "reservation")}`),
    bars(byHour(coming)),
  ];
}

function addParty(sum, { partySize }) {
  return sum + (partySize ?? 0);
}

function byHour(reservations) {
  const hours = new Map();
  for (const { localTime, partySize } of reservations) {
    if (!localTime) continue;
    const hour = Number(localTime.slice(0, 2));
    hours.set(hour, (hours.get(hour) ?? 0) + (partySize ?? 0));
  }
  return hours;
}

function bars(hours) {
  if (!hours.size) return null;
  const known = [...hours.keys()];
  const [first, last] = [Math.min(...known), Math.max(...known)];
  const most = Math.max(...hours.values(), 1);
  const all = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return el("ol", { class: "hours", "aria-label": "Covers by the hour" },
    all.map((hour) => bar(hour, hours.get(hour) ?? 0, most)));
}

function bar(hour, count, most) {
  const filled = el("span", { class: "bar", "aria-hidden": "true" });
  filled.style.setProperty("--share", String(count / most));
  const clock = String(hour).padStart(2, "0");
  return el("li", { class: count ? null : "none" },
    el("span", { class: "hour" }, clock, spoken(":00, ")),
    filled,
    el("span", { class: "count" }, String(count), spoken(" covers")));
}
