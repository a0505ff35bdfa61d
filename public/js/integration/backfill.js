/** Fetching a span of days anew from OpenTable, and how far it is. */

import { el, factList, fill, note } from "../legacy/elements.js";
import { follow } from "../legacy/following.js";
import { counted, daysInWords, inMinutes, moment } from "../legacy/times.js";

const PAUSE_MS = 2_500;
const COUNTED = [["created", "added"], ["updated", "corrected"], ["unchanged", "alike"], ["stale", "outdated"], ["quarantined", "kept aside"]];

/**
 * The part that starts a backfill and follows it.
 * @returns {{node: HTMLElement, close: () => void}}
 */
export function backfill(house) {
  const state = el("div", { class: "stack" });
  const problem = el("div", { role: "alert" });
  const said = el("div", { class: "visually-hidden", "aria-live": "polite" });
  const submit = el("button", {}, "Start the backfill");
  let last;

  function draw(told) {
    submit.disabled = told.status === "RUNNING";
    fill(state, ...inWords(told, house.zone));
    // The progress is seen; only its end is also said.
    if (last === "RUNNING" && told.status !== "RUNNING") said.textContent = headline(told);
    last = told.status;
  }

  async function start(event) {
    event.preventDefault();
    const dates = Object.fromEntries([...new FormData(event.target)].filter(([, date]) => date));
    submit.disabled = true;
    try {
      draw(await house.api.post("integration/backfill", dates));
      fill(problem);
      following.now();
    } catch (refused) {
      submit.disabled = false;
      fill(problem, note("bad", refused.message));
    }
  }

  async function refresh() {
    try {
      draw(await house.api.get("integration/backfill"));
    } catch (refused) {
      fill(state, note("bad", refused.message));
      throw refused;
    }
  }

  const following = follow(refresh, PAUSE_MS);
  const node = el("section", { class: "panel stack" },
    el("h2", {}, "Backfill"),
    el("p", {}, "Fetches a span of days anew from OpenTable, for a new restaurant or after a long pause. Nothing is lost or doubled by it."),
    state, said,
    el("form", { class: "row", submit: start }, day("From", "startDate"), day("To", "endDate"), submit),
    el("p", { class: "muted" }, "Left empty, it goes from 30 days back to a year ahead."),
    problem);
  return { node, close: () => following.stop() };
}

function day(label, name) {
  return el("label", {}, label, el("input", { type: "date", name }));
}

function inWords(told, zone) {
  if (told.status === "NONE") return [];
  return [
    told.status === "RUNNING" ? bar(told) : note(told.status === "FAILED" ? "bad" : "good", headline(told), told.error ? ` ${told.error}` : ""),
    told.status === "RUNNING" && told.error ? note("watch", told.error) : null,
    factList([
      ["Days", daysInWords(told.startDate, told.endDate)],
      ["Began", told.startedAt && moment(told.startedAt, zone)],
      ["Fetched", String(told.fetched)],
      ...COUNTED.filter(([name]) => told[name]).map(([name, word]) => [capital(word), String(told[name])]),
    ]),
  ];
}

function headline({ status, daysDone, daysTotal }) {
  if (status === "FAILED") return `The backfill stopped after ${daysDone} of ${counted(daysTotal, "day")}. Start it again to go on.`;
  return `The backfill is complete: ${counted(daysTotal, "day")}.`;
}

function bar({ daysDone, daysTotal, secondsLeft }) {
  const left = secondsLeft === null ? "" : `, ${inMinutes(secondsLeft)} left`;
  return el("label", { class: "progress" }, `${daysDone} of ${counted(daysTotal, "day")}${left}`,
    el("progress", { max: daysTotal, value: daysDone }));
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
