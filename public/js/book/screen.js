/** The book: a day by time, following what happens. */

import { button, el, fill, note } from "../elements.js";
import { follow } from "../following.js";
import { counted } from "../times.js";
import { changesBetween, inWords } from "./changes.js";
import { covers } from "./covers.js";
import { DayBar } from "./day-bar.js";
import { Earlier } from "./earlier.js";
import { Filters } from "./filters.js";
import { Rows } from "./rows.js";
import { Sheet } from "./sheet.js";

const PAUSE_MS = 2_500; // with the request itself well within five seconds

/** Open the book at a day, by default today's. */
export function openBook(house, date) {
  const book = new Book(house, date);
  return { node: book.node, move: (to) => book.move(to), close: () => book.close() };
}

class Book {
  constructor(house, date) {
    this.house = house;
    this.date = date;
    this.sheet = new Sheet(house, () => this.following.now(), (id) => this.rows.focus(id));
    this.bar = new DayBar((to) => house.go("book", to));
    if (date) this.bar.draw(date);
    this.glance = el("div", { class: "glance" });
    this.filters = new Filters(() => this.draw());
    this.earlier = new Earlier((id) => this.openSheet(id));
    this.rows = new Rows("The day's reservations", (id) => this.openSheet(id));
    this.incomplete = new Rows("Not yet complete", (id) => this.openSheet(id));
    this.pointer = button("", () => this.apart.scrollIntoView(), { class: "pointer", hidden: true });
    this.apart = el("section", { class: "apart", hidden: true },
      el("h2", {}, "Not yet complete"),
      el("p", {}, "OpenTable told of a change before the booking itself; the rest follows by itself. These may be on any day."),
      this.incomplete.node);
    this.problem = el("div");
    this.empty = el("p", { class: "empty", hidden: true });
    this.node = el("div", { class: "book" },
      this.bar.node, this.problem, this.glance, this.filters.node, this.pointer,
      this.earlier.node, this.rows.node, this.empty, this.apart, this.sheet.node);
    this.following = follow(() => this.refresh(), PAUSE_MS);
  }

  move(date) {
    this.date = date;
    this.day = undefined;
    this.etag = undefined;
    if (date) this.bar.draw(date);
    this.following.now();
  }

  close() {
    this.following.stop();
    this.sheet.close();
  }

  async refresh() {
    const asked = this.date;
    try {
      const found = await this.house.api.getChanged(asked ? `reservations?date=${asked}` : "reservations", this.etag);
      this.house.trust.reach();
      fill(this.problem);
      if (found && asked === this.date) this.take(found);
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
    if (changes.length) this.house.say(inWords(changes));
    this.sheet.update(this.find(this.sheet.id));
  }

  draw(changed = new Set()) {
    if (!this.day) return;
    const { date, reservations, incomplete } = this.day;
    const shown = this.filters.passed(reservations);
    this.bar.draw(date);
    fill(this.glance, covers(reservations));
    this.filters.count(reservations);
    this.rows.draw(this.earlier.fold(shown, changed, this.filters.isSearching), changed);
    this.incomplete.draw(incomplete, changed);
    this.apart.hidden = this.pointer.hidden = incomplete.length === 0;
    this.pointer.textContent = `${counted(incomplete.length, "reservation")} not yet complete, below`;
    this.empty.hidden = shown.length > 0;
    this.empty.textContent = reservations.length ? "Nothing on this day fits the filters." : "Nothing is booked on this day.";
  }

  fail(refused) {
    const isRefusal = refused.status >= 400 && refused.status < 500;
    if (isRefusal) fill(this.problem, note("bad", refused.message));
    else this.house.trust.lose(refused.message);
  }

  openSheet(id) {
    this.sheet.open(this.find(id));
  }

  find(id) {
    return this.day && [...this.day.reservations, ...this.day.incomplete].find((each) => each.id === id);
  }
}
