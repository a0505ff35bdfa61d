/** The connection to OpenTable, for managers: state, settings, credentials, webhooks and import. */

import { ConfirmDialog, LoadingOrError, Note, useLoaded } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useRef, useState } from "../ui/view.js";
import { ApiCredentials, Rotation, WebhookCredentials } from "./credentials.js";
import { Import } from "./import.js";
import { OperatorSettings, Settings } from "./settings.js";
import { Webhooks } from "./webhooks.js";

const words = managerLabels.integration;

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
  const [isTesting, setTesting] = useState(false);
  const [isPausing, setPausing] = useState(false);
  const [error, setError] = useState(null);
  const { enabled, lastPolledAt, updatedAt, updatedByName } = integration;

  async function runTest() {
    setTesting(true);
    try {
      setTest(await session.api.post("integration/test"));
    } catch (problem) {
      setTest({ works: false, problem: problem.message });
    }
    setTesting(false);
  }

  return html`
    <section class="panel stack">
      <h2>${enabled ? words.connected : words.paused}</h2>
      <p>${enabled ? words.connectedText : words.pausedText}</p>
      <p class="muted">
        ${lastPolledAt ? words.lastPoll(session.format.timeOrMoment(lastPolledAt)) : words.noPoll}
        ${updatedAt && ` ${words.lastChange(session.format.moment(updatedAt), updatedByName)}`}
      </p>
      <div class="choices">
        <button type="button" disabled=${isTesting} onClick=${runTest}>${words.test}</button>
        ${enabled
          ? html`<button type="button" onClick=${() => setPausing(true)}>${words.pause}</button>`
          : html`<button type="button" class="primary" onClick=${() => change({ enabled: true }, words.resumed).catch((problem) => setError(problem.message))}>${words.resume}</button>`}
      </div>
      <div aria-live="polite">${isTesting ? html`<p class="muted">${words.testing}</p>` : test && html`<${TestResult} test=${test} />`}</div>
      <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
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
