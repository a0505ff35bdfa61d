/** Judging a restaurant's health: what is pressing comes first, in words that say what to do. */

import { el } from "./elements.js";
import { ago, counted, isOlder } from "./times.js";

const LATE_POLL_MINUTES = 60;
const LATE_REPORT_MINUTES = 150;
const NOT_CHECKED = "Not checked yet: the first check comes with the next full hour";
const NOT_ASKED = "OpenTable was not asked for changes yet: the first time comes within half an hour";

/** Judge a restaurant's health: the most pressing first, the rest as details. */
export function judged(health, house) {
  const found = [...troubles(health), ...warnings(health, house)];
  const { reconciliation } = health;
  if (reconciliation) found.push(...lastCheck(reconciliation));
  const [first, ...rest] = found;
  return { level: first.level, headline: first.text, details: [...rest.map(({ text }) => text), lastWord(health)] };
}

function* troubles({ enabled, lastError, problems, webhooksSilentSince, reconciliation }) {
  if (!enabled) yield bad("Paused: OpenTable's changes do not arrive. A manager can resume it under Integration.");
  if (lastError) yield bad(lastError);
  for (const problem of problems) if (!lastError?.includes(problem)) yield bad(problem);
  if (webhooksSilentSince) yield bad(`OpenTable's webhooks fell silent ${ago(webhooksSilentSince)}: tell an engineer. The book still follows, only later.`);
  if (reconciliation?.status === "HELD") yield bad("The last check found so much that it changed nothing: see Reports.");
  else if (reconciliation?.status === "FAILED" && !lastError) yield bad("The last check did not come to its end: see Reports.");
}

function* warnings({ poll, reconciliation, missedWebhooks, openQuarantine }, house) {
  if (!reconciliation) yield watch(NOT_CHECKED);
  else if (isOlder(reconciliation.reconciledAt, LATE_REPORT_MINUTES)) {
    yield watch(`The hourly check is late, the last was ${ago(reconciliation.reconciledAt)}: tell an engineer.`);
  }
  if (!poll.lastPolledAt) yield watch(NOT_ASKED);
  else if (isOlder(poll.lastPolledAt, LATE_POLL_MINUTES)) {
    yield watch(`OpenTable was last asked ${ago(poll.lastPolledAt)}: tell an engineer.`);
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

function lastCheck({ status, counts, reconciledAt, comparedCount }) {
  // One that was held or broke off has compared, but proved nothing.
  if (status === "HELD" || status === "FAILED") return [];
  if (status === "DRY_RUN") return [watch(`Checked ${ago(reconciledAt)} by way of trial, nothing was changed`)];
  const corrected = counts.created + counts.updated + counts.cancelled;
  const result = corrected || counts.divergences ? `${corrected} corrected` : "no differences";
  return [{ level: "good", text: `Checked ${ago(reconciledAt)}, ${comparedCount} compared, ${result}` }];
}

function lastWord({ lastWebhookAt }) {
  return lastWebhookAt ? `OpenTable last wrote ${ago(lastWebhookAt)}` : "No webhook has come yet";
}

const bad = (text) => ({ level: "bad", text });
const watch = (text) => ({ level: "watch", text });
