/** Import of a date range from OpenTable, and its progress. */

import { FactList, LoadingOrError, Note, VisuallyHidden } from "../ui/components.js";
import { formatDuration } from "../ui/format.js";
import { managerLabels } from "../ui/labels-managers.js";
import { usePolling } from "../ui/poller.js";
import { html, useRef, useState } from "../ui/view.js";

const words = managerLabels.import;
const PAUSE_MS = 2_500;

export function Import({ session }) {
  const [progress, setProgress] = useState(null);
  const [loadError, setLoadError] = useState(null);
  const [error, setError] = useState(null);
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
  }, PAUSE_MS, [session]);

  async function start(event) {
    event.preventDefault();
    const dates = Object.fromEntries([...new FormData(event.target)].filter(([, date]) => date));
    setError(null);
    try {
      show(await session.api.post("integration/backfill", dates));
      refresh();
    } catch (problem) {
      setError(problem.message);
    }
  }

  return html`
    <section class="panel stack">
      <h2>${words.title}</h2>
      <p>${words.text}</p>
      ${loadError ? html`<${LoadingOrError} error=${loadError} />` : progress && html`<${Progress} session=${session} progress=${progress} />`}
      <div aria-live="polite"><${VisuallyHidden}>${announcement}<//></div>
      <form class="row" onSubmit=${start}>
        <label>${words.from}<input type="date" name="startDate" /></label>
        <label>${words.to}<input type="date" name="endDate" /></label>
        <button disabled=${progress?.status === "RUNNING"}>${words.start}</button>
      </form>
      <p class="muted">${words.defaults}</p>
      <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
    </section>`;
}

function Progress({ session: { format }, progress }) {
  const { status, error, daysDone, daysTotal, secondsLeft, startDate, endDate, startedAt, fetched } = progress;
  if (status === "NONE") return null;
  const isRunning = status === "RUNNING";
  return html`
    ${isRunning
      ? html`<label class="progress">${words.running(daysDone, daysTotal, secondsLeft === null ? null : formatDuration(secondsLeft))}
          <progress max=${daysTotal} value=${daysDone}></progress></label>
          ${error && html`<${Note} level="watch">${error}<//>`}`
      : html`<${Note} level=${status === "FAILED" ? "bad" : "good"}>${describe(progress)}${error && ` ${error}`}<//>`}
    <${FactList} facts=${[
      [words.facts.days, format.span(startDate, endDate)],
      [words.facts.started, startedAt && format.moment(startedAt)],
      [words.facts.fetched, String(fetched)],
      ...Object.entries(words.counts).map(([name, text]) => [text, progress[name] > 0 && String(progress[name])]),
    ]} />`;
}

function describe({ status, daysDone, daysTotal }) {
  return status === "FAILED" ? words.failed(daysDone, daysTotal) : words.complete(daysTotal);
}
