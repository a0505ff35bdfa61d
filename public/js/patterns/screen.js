/** Patterns: when the house is busy, how early people book, and how many do not come. */

import { el, fill, note } from "../legacy/elements.js";
import { Bars } from "./bars.js";
import { Choice } from "./choice.js";
import { downloading } from "./download.js";
import { drawn } from "./figures.js";

/** Open the patterns of a span of days, by default the last four weeks. */
export function openPatterns(house, span) {
  const patterns = new Patterns(house, span);
  return { node: patterns.node, move: (to) => patterns.move(to), close: () => patterns.bars.close() };
}

class Patterns {
  constructor(house, span) {
    this.house = house;
    this.span = span;
    this.bars = new Bars();
    this.choice = new Choice((to) => house.go("patterns", to), () => this.draw());
    this.content = el("div", { class: "figures" });
    this.state = el("div", { role: "status" });
    this.node = el("div", { class: "patterns" },
      el("div", { class: "day-bar" }, el("h1", {}, "Patterns"), downloading(house, () => this.query())),
      this.choice.node, this.state, this.content);
    this.read();
  }

  move(span) {
    this.span = span;
    this.read();
  }

  /** The query of the days that are shown. */
  query() {
    const [from, to] = this.span ? this.span.split("_") : [];
    return new URLSearchParams(from && to ? { from, to } : {});
  }

  async read() {
    const asked = this.span;
    fill(this.state, el("p", { class: "muted" }, "Reading …"));
    try {
      const patterns = await this.house.api.get(`analytics?${this.query()}`);
      if (asked !== this.span) return;
      this.patterns = patterns;
      this.choice.show(patterns);
      this.draw();
      fill(this.state);
    } catch (refused) {
      if (asked !== this.span) return;
      this.bars.forget();
      fill(this.content);
      fill(this.state, note("bad", refused.message));
    }
  }

  draw() {
    if (!this.patterns) return;
    this.bars.forget();
    fill(this.content, drawn(this.patterns, this.choice.source, this.bars));
  }
}
