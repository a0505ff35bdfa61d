/** Can I trust it? The strip that is always in sight. */

import { el, fill, spoken } from "./elements.js";
import { follow } from "./following.js";
import { ago, counted, isOlder } from "./times.js";

const PAUSE_MS = 20_000;
const LATE_POLL_MINUTES = 60;
const LATE_REPORT_MINUTES = 150;
const NOT_CHECKED = "Not checked yet: the first check comes with the next full hour";
const LEVELS = { good: ["✓", "In order"], watch: ["!", "Look at this"], bad: ["✕", "Trouble"] };

/** Shows a restaurant's health, and keeps up with it. */
export class Trust {
  /** @param {import("./house.js").House} house */
  constructor(house) {
    this.house = house;
    this.node = el("section", { class: "trust", "aria-label": "Can the book be trusted?" });
    this.isLost = false;
    this.following = follow(() => this.refresh(), PAUSE_MS);
  }

  /** Look again at once. */
  now() {
    this.following.now();
  }

  /** The server was reached, so that what is shown is true again. */
  reach() {
    if (this.isLost) this.now();
    this.isLost = false;
  }

  /** The server was not reached; until it is, nothing else matters. */
  lose(message) {
    this.isLost = true;
    this.draw({ level: "bad", headline: `Not up to date. ${message}`, details: [] });
  }

  async refresh() {
    try {
      this.draw(judged(await this.house.api.get("health"), this.house));
    } catch (refused) {
      this.lose(refused.message);
      throw refused;
    }
  }

  draw({ level, headline, details }) {
    const [mark, meaning] = LEVELS[level];
    this.node.dataset.level = level;
    fill(this.node,
      el("p", { class: "headline" },
        el("span", { class: "mark", "aria-hidden": "true" }, mark), spoken(`${meaning}: `), headline),
      el("ul", {}, details.map((detail) => el("li", {}, detail))));
  }
}

/** Judge a restaurant's health: the most pressing first, the rest as details. */
export function judged(health, house) {
  const found = [...troubles(health), ...warnings(health, house)];
  if (health.reconciliation) found.push({ level: "good", text: lastCheck(health.reconciliation) });
  const [first, ...rest] = found;
  return { level: first.level, headline: first.text, details: [...rest.map(({ text }) => text), lastWord(health)] };
}

function* troubles({ enabled, lastError, webhooksSilentSince, reconciliation }) {
  if (!enabled) yield bad("Paused: OpenTable's changes do not arrive. A manager can resume it under Integration.");
  if (lastError) yield bad(lastError);
  if (webhooksSilentSince) yield bad(`OpenTable's webhooks fell silent ${ago(webhooksSilentSince)}: tell an engineer. The book still follows, only later.`);
  if (reconciliation?.status === "HELD") yield bad("The last check found so much that it changed nothing: see Reports.");
  else if (reconciliation?.status === "FAILED" && !lastError) yield bad("The last check did not come to its end: see Reports.");
}

function* warnings({ poll, reconciliation, missedWebhooks, openQuarantine }, house) {
  if (!reconciliation) yield watch(NOT_CHECKED);
  if (poll.lastPolledAt && isOlder(poll.lastPolledAt, LATE_POLL_MINUTES)) {
    yield watch(`OpenTable was last asked ${ago(poll.lastPolledAt)}: tell an engineer.`);
  }
  if (reconciliation && isOlder(reconciliation.reconciledAt, LATE_REPORT_MINUTES)) {
    yield watch("The hourly check is late: tell an engineer.");
  }
  if (reconciliation?.counts.divergences) yield watch(toLookAt(reconciliation, house));
  if (missedWebhooks) yield watch(`${counted(missedWebhooks, "change")} came late: OpenTable's webhooks may not reach us.`);
  if (openQuarantine) yield watch(keptAside(openQuarantine, house));
}

function toLookAt({ reportId, counts }, house) {
  return el("a", { href: house.way("report", reportId) }, `${counted(counts.divergences, "reservation")} to look at`);
}

function keptAside(count, house) {
  const text = `${counted(count, "message")} kept aside`;
  return house.isManager
    ? el("a", { href: house.way("quarantine") }, text)
    : `${text}: a manager can look under Quarantine`;
}

function lastCheck(report) {
  const { created, updated, cancelled, divergences } = report.counts;
  const corrected = created + updated + cancelled;
  const result = corrected || divergences ? `${corrected} corrected` : "no differences";
  return `Checked ${ago(report.reconciledAt)}, ${report.comparedCount} compared, ${result}`;
}

function lastWord({ lastWebhookAt }) {
  return lastWebhookAt ? `OpenTable last wrote ${ago(lastWebhookAt)}` : "No webhook has come yet";
}

const bad = (text) => ({ level: "bad", text });
const watch = (text) => ({ level: "watch", text });
