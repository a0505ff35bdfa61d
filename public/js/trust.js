/** Can I trust it? The strip that is always in sight. */

import { el, fill, spoken } from "./elements.js";
import { follow } from "./following.js";
import { judged } from "./judging.js";
import { ago, clock } from "./times.js";

const PAUSE_MS = 20_000;
const LEVELS = { good: ["✓", "In order"], watch: ["!", "Look at this"], bad: ["✕", "Trouble"] };

/** Shows a restaurant's health, and keeps up with it. */
export class Trust {
  /** @param {import("./house.js").House} house */
  constructor(house) {
    this.house = house;
    this.node = el("section", { class: "trust", "aria-label": "Can the book be trusted?" });
    this.following = follow(() => this.refresh(), PAUSE_MS);
  }

  /** Look again at once. */
  now() {
    this.following.now();
  }

  /** Look no more. */
  stop() {
    this.following.stop();
  }

  /** The screen's own server calls succeed again. */
  reach() {
    if (!this.lost) return;
    this.lost = undefined;
    this.now();
  }

  /**
   * What the screen shows could not be brought up to date; until it is, nothing else matters.
   * @param {string} message
   * @param {number|undefined} seenAt When it last was, in milliseconds.
   */
  lose(message, seenAt) {
    this.lost = { message, seenAt };
    this.draw(outOfDate(this.lost, this.house.zone));
  }

  async refresh() {
    try {
      const health = await this.house.api.get("health");
      this.seenAt = Date.now();
      // A health that is fine does not make an old list new.
      this.draw(this.lost ? outOfDate(this.lost, this.house.zone) : judged(health, this.house));
    } catch (refused) {
      this.draw(outOfDate(this.lost ?? { message: refused.message, seenAt: this.seenAt }, this.house.zone));
      throw refused;
    }
  }

  draw({ level, headline, details }) {
    const [mark, meaning] = LEVELS[level];
    const before = this.node.dataset.level;
    this.node.dataset.level = level;
    const first = el("p", { class: "headline" },
      el("span", { class: "mark", "aria-hidden": "true" }, mark), spoken(`${meaning}: `), headline);
    fill(this.node, first, el("ul", {}, details.map((detail) => el("li", {}, detail))));
    // Who listens instead of looking must hear that trouble begins, and that it is over.
    if (before && before !== level && [before, level].includes("bad")) this.house.say(first.textContent.slice(mark.length));
  }
}

function outOfDate({ message, seenAt }, zone) {
  const instant = seenAt && new Date(seenAt).toISOString();
  const details = instant ? [`What is shown is from ${clock(instant, zone)}, ${ago(instant)}`] : [];
  return { level: "bad", headline: `Not up to date. ${message}`, details };
}
