/** The health banner: whether the list can be trusted, and what to do if not. */

import { VisuallyHidden } from "./ui/components.js";
import { isOlderThan, timeAgo } from "./ui/format.js";
import { labels } from "./ui/labels.js";
import { html, useEffect, useNarrow, usePolling, useRef, useState } from "./ui/view.js";

const PAUSE_MS = 20_000;
const LATE_POLL_MINUTES = 60;
const LATE_REPORT_MINUTES = 150;
const MARKS = { good: "✓", info: "i", watch: "!", bad: "✕" };
// Errors with a status code or a request id are for an engineer.
const TECHNICAL = /RequestId|answered \d{3}|timed out|did not answer/i;
const words = labels.health;

/**
 * Polls the restaurant's health and shows the most urgent message first.
 * @param {{session: object, connectionLoss: {status: number|null, seenAt?: number}|null,
 *   shownDay: string|null, requests: number}} props `shownDay` is the date on the screen; a change of
 *   `requests` refreshes at once.
 */
export function HealthBanner({ session, connectionLoss, shownDay, requests }) {
  const [health, setHealth] = useState(null);
  const [loss, setLoss] = useState(null);
  const isNarrow = useNarrow();
  const seenAt = useRef(undefined);

  const refresh = usePolling(async () => {
    try {
      setHealth(await session.api.get("health"));
      seenAt.current = Date.now();
      setLoss(null);
    } catch (error) {
      setLoss({ status: error.status, seenAt: seenAt.current });
      throw error;
    }
  }, PAUSE_MS, [session]);
  useEffect(() => { if (requests) refresh(); }, [requests]);
  // After an outage the health of before it says nothing.
  useEffect(() => { if (!connectionLoss) refresh(); }, [connectionLoss === null]);

  const shownLoss = connectionLoss ?? loss;
  const messages = shownLoss ? [lossMessage(shownLoss, session.format)] : health ? listMessages(health, session, shownDay) : [];
  const level = messages[0]?.level;
  useAnnouncedTrouble(session, level, messages[0]);
  const details = [...messages.slice(1), ...(health && !shownLoss ? [{ text: lastUpdate(health) }] : [])];
  return html`
    <section class="health" data-level=${level} aria-label=${words.region}>
      ${level && html`
        <p class="headline">
          <span class="mark" aria-hidden="true">${MARKS[level]}</span>
          <${VisuallyHidden}>${words.levels[level]}: <//><${Message} message=${messages[0]} />
        </p>`}
      ${details.length > 0 && (isNarrow
        ? html`<details><summary>${words.more(details.length)}</summary><${Details} messages=${details} /></details>`
        : html`<${Details} messages=${details} />`)}
    </section>`;
}

function Details({ messages }) {
  return html`<ul>${messages.map((message) => html`<li key=${message.text}><${Message} message=${message} /></li>`)}</ul>`;
}

function Message({ message: { text, link, linkText, details } }) {
  return html`
    ${link && !linkText ? html`<a href=${link}>${text}</a>` : text}
    ${linkText && html` <a href=${link}>${linkText}</a>`}
    ${details && html` <details class="inline"><summary>${words.details}</summary>${details}</details>`}`;
}

/** Return the messages about a restaurant's health, the most urgent first. */
function listMessages(health, session, shownDay) {
  return [...listProblems(health, session), ...listWarnings(health, session), ...lastCheck(health, session.format, shownDay)];
}

function* listProblems({ enabled, lastError, problems, poll, webhooksSilentSince, reconciliation }, session) {
  const { format } = session;
  if (!enabled) yield { level: "bad", text: words.paused, ...(session.isManager && { link: session.linkTo("integration") }) };
  if (lastError && !problems.some((problem) => lastError.includes(problem)) && enabled) yield describeError(lastError, poll, format);
  for (const problem of problems) yield { level: "bad", text: problem };
  if (webhooksSilentSince) yield { level: "bad", text: words.silent(format.timeOrMoment(webhooksSilentSince)) };
  if (reconciliation?.status === "HELD") {
    const { reportId, counts, ledgerCount } = reconciliation;
    const text = counts.missing ? words.heldPlan(counts.missing, ledgerCount) : words.held;
    yield { level: "bad", text, link: session.linkTo("reports", reportId), linkText: words.review };
  } else if (reconciliation?.status === "FAILED" && !lastError) {
    yield { level: "bad", text: words.failed, link: session.linkTo("reports", reconciliation.reportId) };
  }
}

/** A technical error becomes a plain sentence with the error as details; others say what to correct. */
function describeError(error, poll, format) {
  if (!TECHNICAL.test(error)) return { level: "bad", text: error };
  const text = poll.lastPolledAt ? words.pollFailing(format.timeOrMoment(poll.lastPolledAt)) : words.pollFailingNow;
  return { level: "bad", text, details: error };
}

function* listWarnings({ poll, reconciliation, missedWebhooks, openQuarantine }, session) {
  const warning = (text, link) => ({ level: "watch", text, link });
  if (!reconciliation) yield warning(words.notChecked);
  else if (isOlderThan(reconciliation.reconciledAt, LATE_REPORT_MINUTES)) yield warning(words.checkLate(timeAgo(reconciliation.reconciledAt)));
  if (!poll.lastPolledAt) yield warning(words.notPolled);
  else if (isOlderThan(poll.lastPolledAt, LATE_POLL_MINUTES)) yield warning(words.pollLate(timeAgo(poll.lastPolledAt)));
  const divergences = countOpenReviews(reconciliation);
  if (divergences > 0) yield warning(words.needReview(divergences), session.linkTo("reports", reconciliation.reportId));
  if (missedWebhooks) yield warning(words.missed(missedWebhooks));
  if (openQuarantine) {
    const text = words.failedUpdates(openQuarantine);
    yield session.isManager ? warning(text, session.linkTo("quarantine")) : warning(text + words.askManager);
  }
}

/** The last check, only as far as it covers the day on the screen. */
function lastCheck({ reconciliation }, format, shownDay) {
  // A held or failed one proves nothing.
  if (!reconciliation || ["HELD", "FAILED"].includes(reconciliation.status)) return [];
  const { status, reconciledAt, startDate, endDate, counts } = reconciliation;
  const time = format.timeOrMoment(reconciledAt);
  if (status === "DRY_RUN") return [{ level: "watch", text: words.dryRun(time) }];
  if (shownDay && shownDay > endDate) return [{ level: "info", text: words.checkedUpTo(format.date(endDate)) }];
  if (shownDay && shownDay < startDate) return [{ level: "info", text: words.checkedFrom(format.date(startDate)) }];
  const updated = counts.created + counts.updated + counts.cancelled;
  if (countOpenReviews(reconciliation) > 0) return [{ level: "info", text: words.checked(time, updated) }];
  return [{ level: "good", text: updated ? words.inSync(time, updated) : words.inSyncUnchanged(time) }];
}

/** The reservations that OpenTable does not know and nobody decided about. */
function countOpenReviews(reconciliation) {
  return reconciliation ? reconciliation.counts.divergences - (reconciliation.reviewedCount ?? 0) : 0;
}

function lastUpdate({ lastWebhookAt }) {
  return lastWebhookAt ? words.lastUpdate(timeAgo(lastWebhookAt)) : words.noUpdate;
}

function lossMessage({ status, seenAt }, format) {
  if (status === null) return { level: "info", text: words.updating(format.timeOrMoment(new Date(seenAt).toISOString())) };
  const isOffline = status === 0;
  if (!seenAt) return { level: "bad", text: isOffline ? words.offlineEmpty : words.unreachable };
  const time = format.timeOrMoment(new Date(seenAt).toISOString());
  return { level: "bad", text: isOffline ? words.offlineSince(time) : words.unreachableSince(time) };
}

/** Screen readers hear when a problem begins and when it is over. */
function useAnnouncedTrouble(session, level, message) {
  const previous = useRef(undefined);
  useEffect(() => {
    if (previous.current && level && previous.current !== level && [previous.current, level].includes("bad")) {
      session.announce(`${words.levels[level]}: ${message.text}`);
    }
    previous.current = level ?? previous.current;
  }, [level]);
}
