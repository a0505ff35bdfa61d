/** Which days are shown, and of which source. */

import { el } from "../legacy/elements.js";
import { daysFrom } from "../legacy/times.js";
import { folded } from "./roomy.js";
import { SOURCES } from "./sources.js";

const SPANS = [
  { text: "Last 4 weeks", first: -28, last: -1 },
  { text: "Last 13 weeks", first: -91, last: -1 },
  { text: "Last 52 weeks", first: -364, last: -1 },
  { text: "Next 4 weeks", first: 0, last: 27 },
];

/** The choice of days and source. */
export class Choice {
  /**
   * @param {(span: string) => void} go Is told the span chosen, `from_to`.
   * @param {() => void} draw Another source was chosen.
   */
  constructor(go, draw) {
    this.go = go;
    this.spans = SPANS.map((span) => el("label", { class: "chip" },
      el("input", { type: "radio", name: "span", change: () => this.take(span) }), el("span", {}, span.text)));
    this.from = el("input", { type: "date", name: "from", required: true });
    this.to = el("input", { type: "date", name: "to", required: true });
    this.form = el("form", { class: "choice", submit: (event) => this.submit(event) },
      el("fieldset", { class: "chips", disabled: true }, el("legend", { class: "visually-hidden" }, "Days"), this.spans),
      el("fieldset", { class: "chips" }, el("legend", { class: "visually-hidden" }, "Source"),
        [["", "All sources"], ...Object.entries(SOURCES)].map(([value, text]) => el("label", { class: "chip" },
          el("input", { type: "radio", name: "source", value, checked: !value, change: draw }), el("span", {}, text)))),
      folded("Other days", {}, el("div", { class: "row" },
        el("label", {}, "From", this.from), el("label", {}, "To", this.to), el("button", {}, "Show"))));
    this.node = this.form;
  }

  /** The source chosen, empty for all. */
  get source() {
    return new FormData(this.form).get("source") ?? "";
  }

  /** Show which days were read. */
  show({ from, to, today }) {
    this.today = today;
    this.from.value = from;
    this.to.value = to;
    this.form.querySelector("fieldset").disabled = false;
    this.spans.forEach((label, index) => {
      const { first, last } = SPANS[index];
      label.firstChild.checked = from === daysFrom(today, first) && to === daysFrom(today, last);
    });
  }

  take({ first, last }) {
    this.go(`${daysFrom(this.today, first)}_${daysFrom(this.today, last)}`);
  }

  submit(event) {
    event.preventDefault();
    this.go(`${this.from.value}_${this.to.value}`);
  }
}
