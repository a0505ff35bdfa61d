/** One reservation: all that the book knows of it, what can be done, and its story. */

import { button, el, factList, fill, note } from "../elements.js";
import { cancelPart } from "./cancelling.js";
import { doubtInSentences } from "./doubts.js";
import { lateness } from "./lateness.js";
import { sourceBadge, statusMark } from "./marks.js";
import { story } from "./story.js";

/** The sheet beside the book; it follows the reservation while it is open. */
export class Sheet {
  /**
   * @param {import("../house.js").House} house
   * @param {() => void} acted Is called when something was done.
   * @param {(id: string) => void} closed Is told whose sheet was closed.
   */
  constructor(house, acted, closed) {
    this.house = house;
    this.acted = acted;
    this.closed = closed;
    this.node = el("dialog", { class: "sheet", closedby: "any", "aria-labelledby": "sheet-name", close: () => this.forget() });
  }

  /** Show a reservation. */
  open(reservation) {
    this.draw(reservation);
    this.node.showModal();
  }

  /** Show it as it is now; null where it left the day, when it stays as it was last seen. */
  update(reservation) {
    if (this.id && reservation && JSON.stringify(reservation) !== this.said) this.draw(reservation);
  }

  /** Close the sheet. */
  close() {
    this.node.close();
  }

  forget() {
    const { id } = this;
    this.id = undefined;
    this.said = undefined;
    this.closed(id);
  }

  draw(reservation) {
    const isSame = this.id === reservation.id;
    this.id = reservation.id;
    this.said = JSON.stringify(reservation);
    if (!isSame) {
      this.facts = el("div", { class: "stack" });
      this.cancel = el("section", { class: "act" });
      this.past = el("section", {});
      fill(this.node, this.facts, this.cancel, this.past);
      fill(this.past, el("h3", {}, "Its story"), el("p", { class: "muted" }, "Reading …"));
    }
    fill(this.facts, ...this.headOf(reservation));
    // Only where it must be: somebody may be giving a reason just now.
    if (!isSame || this.status !== reservation.status) fill(this.cancel, cancelPart(this.house, reservation, this.acted));
    this.status = reservation.status;
    this.tell(reservation.id);
  }

  async tell(id) {
    const told = await story(this.house, id);
    if (this.id === id) fill(this.past, el("h3", {}, "Its story"), told);
  }

  headOf(each) {
    const doubt = doubtInSentences(each);
    return [
      el("div", { class: "sheet-head" },
        el("h2", { id: "sheet-name" }, each.dinerName ?? "Unknown guest"),
        button("Close", () => this.close(), { autofocus: true })),
      el("p", { class: "marks" }, statusMark(each.status), sourceBadge(each.source.system)),
      doubt && note("watch", doubt),
      factList([
        ["Time", each.localTime ?? "not known yet"],
        ["Late", lateness(each)],
        ["Party", String(each.partySize ?? "not known yet")],
        ["Table", each.tableNumbers.join(", ")],
        ["Phone", each.phone && el("a", { href: `tel:${each.phone}` }, each.phone)],
        ["E-mail", each.email && el("a", { href: `mailto:${each.email}` }, each.email)],
        ["OpenTable's state", each.source.state],
        ["Request", each.specialRequests],
        ["Note", each.venueNotes],
        ["Cancelled because", each.cancellationReason],
      ]),
    ];
  }
}
