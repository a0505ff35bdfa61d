/** The frame that every screen stands in: the ways between them, and whether the book is true. */

import { el, fill, note, button } from "./elements.js";
import { hashOf } from "./route.js";
import { SCREENS } from "./screens.js";
import { Trust } from "./trust.js";

const NEWS_MS = 10_000;

/** The page of somebody who is signed in. */
export class House {
  /**
   * @param {HTMLElement} app
   * @param {import("./api.js").Api} api
   * @param {{name: string, leave: () => void, others?: Array<{name: string, become: () => void}>}} person
   */
  constructor(app, api, person) {
    this.app = app;
    this.api = api;
    this.person = person;
    this.main = el("main", { id: "main", tabindex: "-1" });
  }

  /** Learn what the person may do, and build the frame; whether they may come in at all. */
  async open() {
    try {
      this.isManager = await this.mayManage();
      this.zone = (await this.api.get("reservations")).timeZone;
    } catch (refused) {
      // A manager must get as far as the settings that have to be mended.
      if (!this.isManager || refused.status !== 409) {
        fill(this.app, el("main", { id: "main", class: "refused" }, note("bad", refused.message), ...this.account()));
        return false;
      }
    }
    this.trust = new Trust(this);
    this.ways = el("nav", { "aria-label": "Screens" });
    const skip = el("a", { class: "skip", href: "#main", click: (event) => this.skip(event) }, "Skip to the content");
    const account = el("div", { class: "account" }, ...this.account());
    fill(this.app, skip, el("header", { class: "frame" }, this.ways, account), this.trust.node, this.main);
    return true;
  }

  /** Leave the screen that is open and show another; the same one may move by itself. */
  show(name, item) {
    const known = SCREENS.filter((screen) => this.isManager || !screen.managers);
    const screen = known.find((each) => each.name === name) ?? known[0];
    this.drawWays(known, screen);
    if (this.screen === screen && this.current.move) return this.current.move(item);
    this.current?.close?.();
    const wasElsewhere = this.screen !== undefined;
    this.screen = screen;
    this.current = screen.open(this, item);
    fill(this.main, this.current.node);
    if (wasElsewhere) this.main.focus();
    return undefined;
  }

  /** Go somewhere. */
  go(screen, item) {
    location.hash = this.way(screen, item);
  }

  /** The link to somewhere. */
  way(screen, item) {
    return hashOf(this.api.restaurantId, screen, item);
  }

  /** Say something aloud, and show it for a while. */
  say(text) {
    clearTimeout(this.hush);
    const news = document.getElementById("news");
    news.textContent = text;
    this.hush = setTimeout(() => news.replaceChildren(), NEWS_MS);
  }

  async mayManage() {
    // Only a manager's call tells a manager from a host.
    const refused = await this.api.get("quarantine?limit=1").then(() => null, (error) => error);
    if (refused && refused.code !== "ROLE_REQUIRED") throw refused;
    return refused === null;
  }

  drawWays(known, current) {
    document.title = current.title;
    fill(this.ways, known.filter((screen) => screen.isWay).map((screen) =>
      el("a", {
        href: this.way(screen.name),
        "aria-current": screen === current || screen.name === current.within ? "page" : null,
      }, screen.title)));
  }

  account() {
    return [
      el("span", { class: "who" }, this.person.name),
      ...(this.person.others ?? []).map((other) => button(`Become ${other.name}`, other.become, { class: "quiet" })),
      button("Sign out", () => this.person.leave(), { class: "quiet" }),
    ];
  }

  skip(event) {
    event.preventDefault();
    this.main.focus();
  }
}
