/** Which day is shown, and the ways to others. */

import { button, el } from "../elements.js";
import { dayInWords, daysFrom } from "../times.js";

/** The heading of the book with its day picker. */
export class DayBar {
  /** @param {(date: string) => void} choose Empty for today. */
  constructor(choose) {
    this.heading = el("h1", {}, "The book");
    this.picker = el("input", {
      type: "date",
      "aria-label": "Go to a day",
      change: () => this.picker.value && choose(this.picker.value),
    });
    const step = (days) => () => this.date && choose(daysFrom(this.date, days));
    this.node = el("div", { class: "day-bar" },
      this.heading,
      el("div", { class: "days" },
        button("‹", step(-1), { "aria-label": "The day before" }),
        button("Today", () => choose("")),
        button("›", step(1), { "aria-label": "The day after" }),
        this.picker));
  }

  /** Show a day. */
  draw(date) {
    this.date = date;
    this.heading.textContent = dayInWords(date);
    if (document.activeElement !== this.picker) this.picker.value = date;
  }
}
