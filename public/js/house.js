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

  /** Learn what the person may do, and build the frame. */
  async open() {
    this.api.shut = (refused) => this.shut(refused);
    const { role, timeZone } = await this.api.get("me");
    this.isManager = role !== "host";
    this.isOperator = role === "operator";
    // Only until a zone that cannot be used is mended.
    this.zone = timeZone ?? "UTC";
    this.trust = new Trust(this);
    this.ways = el("nav", { "aria-label": "Screens" });
    const skip = el("a", { class: "skip", href: "#main", click: (event) => this.skip(event) }, "Skip to the content");
    const account = el("div", { class: "account" }, ...this.account());
    fill(this.app, skip, el("header", { class: "frame" }, this.ways, account), this.trust.node, this.main);
  }

  /** Clear all away: the person may not be here any longer, and is told why. */
  shut(refused) {
    if (this.isShut) return;
    this.isShut = true;
    this.current?.close?.();
    this.trust?.stop();
    if (refused.status === 401) this.person.leave("Your sign-in has ended. Sign in again.");
    else fill(this.app, el("main", { id: "main", class: "refused" }, note("bad", refused.message), ...this.account()));
  }

  /** Leave the screen that is open and show another; the same one may move by itself. */
  show(name, item) {
    if (this.isShut) return undefined;
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

  drawWays(known, current) {
    document.title = current.title;
    fill(this.ways, known.filter((screen) => screen.isWay).map((screen) =>
      el("a", {
        href: this.way(screen.name),
        "aria-current": screen === current || screen.name === current.within ? "page" : null,
      }, screen.title)));
    this.ways.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
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
