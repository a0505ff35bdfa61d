/** When the house is busy: the hours of the week, the fuller the darker. */

import { el, spoken } from "../legacy/elements.js";
import { weekdayOf } from "./dates.js";
import { average, number } from "./sources.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** Average covers by weekday and hour; the table is the picture. */
export function week(pattern, days) {
  const counted = WEEKDAYS.map((_, index) => days.filter(({ date }) => weekdayOf(date) === index + 1).length);
  const cells = new Map(pattern.hours.filter(({ hour, covers }) => hour !== null && covers)
    .map(({ weekday, hour, covers }) => [`${weekday}/${hour}`, covers / counted[weekday - 1]]));
  if (!cells.size) return null;
  const hours = [...cells.keys()].map((key) => Number(key.split("/")[1]));
  const [first, last, most] = [Math.min(...hours), Math.max(...hours), Math.max(...cells.values())];
  const rows = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return el("section", { class: "figure" },
    el("h2", {}, "When the house is busy"),
    el("p", { class: "says" }, sentence(cells, most)),
    el("table", { class: "week" },
      el("caption", { class: "muted" }, "Covers by hour of arrival, on an average day"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, spoken("Hour")), WEEKDAYS.map((day, index) =>
        el("th", { scope: "col", class: counted[index] ? null : "none" }, el("abbr", { title: day }, day.slice(0, 3)))))),
      el("tbody", {}, rows.map((hour) => el("tr", {}, el("th", { scope: "row" }, clock(hour)),
        WEEKDAYS.map((_, index) => cell(counted[index] ? cells.get(`${index + 1}/${hour}`) ?? 0 : null, most)))))));
}

function cell(covers, most) {
  if (covers === null) return el("td", { class: "none" }, spoken("not counted"));
  const node = el("td", { class: covers ? null : "empty" }, covers ? rounded(covers) : [el("span", { "aria-hidden": "true" }, "·"), spoken("0")]);
  node.style.setProperty("--share", String(covers / most));
  return node;
}

function rounded(covers) {
  return covers < 1 ? average(covers) : number(covers);
}

function sentence(cells, most) {
  const [key] = [...cells].find(([, covers]) => covers === most);
  const [weekday, hour] = key.split("/").map(Number);
  return `Fullest: ${WEEKDAYS[weekday - 1]} at ${clock(hour)}, when ${average(most)} guests arrive on average.`;
}

function clock(hour) {
  return `${String(hour).padStart(2, "0")}:00`;
}
