/** What changed lately, for whoever was not looking when it did. */

import { el, fill } from "../elements.js";
import { clock } from "../times.js";

const MOST_KEPT = 20;

/** The newest change in a line; those before it when asked. */
export class Lately {
  constructor() {
    this.told = [];
    this.newest = el("summary", {});
    this.before = el("ol", {});
    this.node = el("details", { class: "lately", hidden: true }, this.newest, this.before);
  }

  /** Add changes, as `changesBetween` finds them, the newest of which is told last. */
  add(changes, zone) {
    const at = clock(new Date().toISOString(), zone);
    this.told = [...changes.map(({ text }) => [at, text]).reverse(), ...this.told].slice(0, MOST_KEPT);
    this.draw();
  }

  /** Forget all: another day is shown. */
  clear() {
    this.told = [];
    this.draw();
  }

  draw() {
    const [newest, ...before] = this.told.map(([at, text]) => [el("time", {}, at), ` ${text}`]);
    this.node.hidden = !newest;
    fill(this.newest, newest ?? []);
    fill(this.before, before.map((line) => el("li", {}, ...line)));
  }
}
