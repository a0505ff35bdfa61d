/** The connection to OpenTable, for managers: state, settings, credentials, webhooks and import. */

import { ConfirmDialog, ErrorAlert, FactList, LoadingOrError, Note, VisuallyHidden } from "../ui/components.js";
import { formatDuration } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useAction, useLoaded, usePolling, useRef, useState } from "../ui/view.js";
import { ApiCredentials, OperatorSettings, Settings } from "./settings.js";
import { Rotation, WebhookCredentials, Webhooks } from "./webhooks.js";

const PROGRESS_PAUSE_MS = 2_500;
const words = managerLabels.integration;
const importWords = managerLabels.import;

export function Screen({ session }) {
  const etag = useRef(null);
  const { data: integration, error, setData } = useLoaded(load, []);

  async function load() {
    const response = await session.api.getIfChanged("integration");
    etag.current = response.etag;
    return response.body;
  }

  /** Change settings, unless somebody else changed them since they were loaded. */
  async function change(fields, message) {
    await session.api.put("integration", fields, { "If-Match": etag.current });
    setData(await load());
    session.announce(message);
    session.refreshHealth();
  }

  if (!integration) return html`<div class="office"><h1>${labels.screens.integration}</h1><${LoadingOrError} error=${error} /></div>`;
  const props = { session, integration, change };
  // A form starts anew with every change of the settings.
  const version = etag.current;
  return html`
    <div class="office">
      <h1>${labels.screens.integration}</h1>
      ${integration.problems.map((problem) => html`<${Note} key=${problem} level="bad">${problem}<//>`)}
      <${Connection} ...${props} />
      <${Webhooks} session=${session} />
      <${WebhookCredentials} ...${props} onChanged=${async () => setData(await load())} />
      <${Rotation} ...${props} />
      <${Settings} key=${`settings ${version}`} ...${props} />
      <${ApiCredentials} key=${`api ${version}`} ...${props} />
      ${session.isOperator && html`<${OperatorSettings} key=${`operator ${version}`} ...${props} />`}
      <${Import} session=${session} />
    </div>`;
}

/** Whether changes arrive; test, pause and resume. */
function Connection({ session, integration, change }) {
  const [test, setTest] = useState(null);
  const testing = useAction();
  const resuming = useAction();
  const [isPausing, setPausing] = useState(false);
  const { enabled, lastPolledAt, updatedAt, updatedByName } = integration;

  const runTest = () => testing.run(async () => {
    setTest(null);
    setTest(await session.api.post("integration/test"));
  });

  return html`
    <section class="panel stack">
      <h2>${enabled ? words.connected : words.paused}</h2>
      <p>${enabled ? words.connectedText : words.pausedText}</p>
      <p class="muted">
        ${lastPolledAt ? words.lastPoll(session.format.timeOrMoment(lastPolledAt)) : words.noPoll}
        ${updatedAt && ` ${words.lastChange(session.format.moment(updatedAt), updatedByName)}`}
      </p>
      <div class="choices">
        <button type="button" disabled=${testing.isBusy} onClick=${runTest}>${words.test}</button>
        ${enabled
          ? html`<button type="button" onClick=${() => setPausing(true)}>${words.pause}</button>`
          : html`<button type="button" class="primary" onClick=${() => resuming.run(() => change({ enabled: true }, words.resumed))}>${words.resume}</button>`}
      </div>
      <div aria-live="polite">${testing.isBusy ? html`<p class="muted">${words.testing}</p>` : test && html`<${TestResult} test=${test} />`}</div>
      <${ErrorAlert} error=${testing.error ?? resuming.error} />
      ${isPausing && html`
        <${ConfirmDialog} title=${words.pauseTitle} text=${words.pauseQuestion} confirm=${words.pauseConfirm} isDangerous
          run=${() => change({ enabled: false }, words.pausedNow)} onClose=${() => setPausing(false)} />`}
    </section>`;
}

function TestResult({ test: { works, rows, durationMs, problem, details } }) {
  if (works) return html`<${Note} level="good">${words.testWorks((durationMs / 1000).toFixed(1), rows)}<//>`;
  return html`
    <${Note} level="bad">${problem}<//>
    ${details && html`<details><summary>${labels.health.details}</summary>${details}</details>`}`;
}

/** Imports a date range from OpenTable, and shows the progress. */
function Import({ session }) {
  const [progress, setProgress] = useState(null);
  const [loadError, setLoadError] = useState(null);
  const { run, error } = useAction();
  const [announcement, setAnnouncement] = useState("");
  const previousStatus = useRef(null);

  function show(next) {
    // The progress is visible; only its end is announced.
    if (previousStatus.current === "RUNNING" && next.status !== "RUNNING") setAnnouncement(describe(next));
    previousStatus.current = next.status;
    setProgress(next);
    setLoadError(null);
  }

  const refresh = usePolling(async () => {
    try {
      show(await session.api.get("integration/backfill"));
    } catch (problem) {
      setLoadError(problem);
      throw problem;
    }
  }, PROGRESS_PAUSE_MS, [session]);

  function start(event) {
    event.preventDefault();
    const dates = Object.fromEntries([...new FormData(event.target)].filter(([, date]) => date));
    run(async () => {
      show(await session.api.post("integration/backfill", dates));
      refresh();
    });
  }

  return html`
    <section class="panel stack">
      <h2>${importWords.title}</h2>
      <p>${importWords.text}</p>
      ${loadError ? html`<${LoadingOrError} error=${loadError} />` : progress && html`<${Progress} session=${session} progress=${progress} />`}
      <div aria-live="polite"><${VisuallyHidden}>${announcement}<//></div>
      <form class="row" onSubmit=${start}>
        <label>${importWords.from}<input type="date" name="startDate" /></label>
        <label>${importWords.to}<input type="date" name="endDate" /></label>
        <button disabled=${progress?.status === "RUNNING"}>${importWords.start}</button>
      </form>
      <p class="muted">${importWords.defaults}</p>
      <${ErrorAlert} error=${error} />
    </section>`;
}

function Progress({ session: { format }, progress }) {
  const { status, error, daysDone, daysTotal, secondsLeft, startDate, endDate, startedAt, fetched } = progress;
  if (status === "NONE") return null;
  const isRunning = status === "RUNNING";
  return html`
    ${isRunning
      ? html`<label class="progress">${importWords.running(daysDone, daysTotal, secondsLeft === null ? null : formatDuration(secondsLeft))}
          <progress max=${daysTotal} value=${daysDone}></progress></label>
          ${error && html`<${Note} level="watch">${error}<//>`}`
      : html`<${Note} level=${status === "FAILED" ? "bad" : "good"}>${describe(progress)}${error && ` ${error}`}<//>`}
    <${FactList} facts=${[
      [importWords.facts.days, format.span(startDate, endDate)],
      [importWords.facts.started, startedAt && format.moment(startedAt)],
      [importWords.facts.fetched, String(fetched)],
      ...Object.entries(importWords.counts).map(([name, text]) => [text, progress[name] > 0 && String(progress[name])]),
    ]} />`;
}

function describe({ status, daysDone, daysTotal }) {
  return status === "FAILED" ? importWords.failed(daysDone, daysTotal) : importWords.complete(daysTotal);
}
