/** The book: a day by time, following what happens. */

import { el, fill, note } from "../elements.js";
import { follow } from "../following.js";
import { changesBetween, inWords } from "./changes.js";
import { covers } from "./covers.js";
import { DayBar } from "./day-bar.js";
import { Filters } from "./filters.js";
import { Lately } from "./lately.js";
import { List } from "./list.js";
import { Sheet } from "./sheet.js";

const PAUSE_MS = 2_500; // with the request itself well within five seconds
const MINUTE_MS = 60_000;

/** Open the book at a day, by default today's. */
export function openBook(house, date) {
  const book = new Book(house, date);
  return { node: book.node, move: (to) => book.move(to), close: () => book.close() };
}

class Book {
  constructor(house, date) {
    this.house = house;
    this.date = date;
    this.sheet = new Sheet(house, () => this.following.now(), (id) => this.focus(id));
    this.bar = new DayBar((to) => house.go("book", to));
    if (date) this.bar.draw(date);
    this.glance = el("div", { class: "glance" });
    this.filters = new Filters(() => this.draw());
    this.lately = new Lately();
    this.list = new List((id) => this.sheet.open(this.find(id)));
    this.problem = el("div");
    this.reading = el("p", { class: "empty" }, "Reading …");
    this.shown = el("div", { class: "book", hidden: true },
      this.glance, this.lately.node, this.filters.node, this.list.nodes);
    this.node = el("div", { class: "book" },
      this.bar.node, this.problem, this.reading, this.shown, this.sheet.node);
    this.following = follow(() => this.refresh(), PAUSE_MS);
  }

  move(date) {
    this.date = date;
    this.day = undefined;
    this.etag = undefined;
    this.seenAt = undefined;
    this.lately.clear();
    // One day's rows must never stand under another day's name.
    this.reveal(false);
    if (date) this.bar.draw(date);
    this.following.now();
  }

  close() {
    this.following.stop();
    this.sheet.close();
    this.house.trust.reach();
  }

  async refresh() {
    const asked = this.date;
    try {
      const found = await this.house.api.getChanged(asked ? `reservations?date=${asked}` : "reservations", this.etag);
      if (asked !== this.date) return;
      this.house.trust.reach();
      fill(this.problem);
      this.seenAt = Date.now();
      if (found) this.take(found);
      else this.drawLater();
    } catch (refused) {
      this.fail(refused);
      throw refused;
    }
  }

  take({ etag, body }) {
    const before = this.day?.date === body.date ? this.day : undefined;
    const changes = before ? changesBetween(before, body) : [];
    this.etag = etag;
    this.day = body;
    this.house.zone = body.timeZone;
    this.draw(new Set(changes.map(({ id }) => id)));
    if (changes.length) {
      this.house.say(inWords(changes));
      this.lately.add(changes, body.timeZone);
    }
    this.sheet.update(this.find(this.sheet.id));
  }

  /** Draw again what only the time changes, such as who is late. */
  drawLater() {
    if (Date.now() - this.drawnAt >= MINUTE_MS) this.draw();
  }

  draw(changed = new Set()) {
    if (!this.day) return;
    this.drawnAt = Date.now();
    this.bar.draw(this.day.date);
    fill(this.glance, covers(this.day.reservations));
    this.filters.count(this.day.reservations);
    this.list.draw(this.day, this.filters, changed);
    this.reveal(true);
  }

  reveal(isRead) {
    this.shown.hidden = !isRead;
    this.reading.hidden = isRead;
  }

  fail(refused) {
    const isRefusal = refused.status >= 400 && refused.status < 500;
    if (isRefusal) fill(this.problem, note("bad", refused.message));
    else this.house.trust.lose(refused.message, this.seenAt);
  }

  focus(id) {
    // What was folded away or left the day cannot take it.
    if (!this.list.focus(id)) this.house.main.focus();
  }

  find(id) {
    return this.day && [...this.day.reservations, ...this.day.incomplete].find((each) => each.id === id);
  }
}
