/** Webhooks for managers: the address, the newest deliveries and refusals, and a test event. */

import { LoadingOrError, Note, Table } from "../ui/components.js";
import { timeAgo } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { usePolling } from "../ui/poller.js";
import { html, useState } from "../ui/view.js";

const words = managerLabels.webhooks;
const PAUSE_MS = 20_000;
const LEVELS = { created: "good", updated: "good", unchanged: "good", stale: "good", quarantined: "watch", refused: "bad" };

export function Webhooks({ session }) {
  const [data, setData] = useState(null);
  const [error, setError] = useState(null);
  const [test, setTest] = useState(null);
  const [onlyFailed, setOnlyFailed] = useState(false);
  const refresh = usePolling(async () => {
    try {
      setData(await session.api.get("integration/webhooks"));
      setError(null);
    } catch (problem) {
      setError(problem);
      throw problem;
    }
  }, PAUSE_MS, [session]);

  async function sendTest() {
    try {
      setTest(await session.api.post("integration/webhooks/test"));
    } catch (problem) {
      setTest({ works: false, problem: problem.message });
    }
    refresh();
  }

  if (!data) return html`<section class="panel stack"><h2>${words.title}</h2><${LoadingOrError} error=${error} /></section>`;
  const copy = () => navigator.clipboard.writeText(data.url).then(() => session.announce(words.copied));
  const shown = data.deliveries.filter(({ outcome }) => !onlyFailed || LEVELS[outcome] !== "good");
  return html`
    <section class="panel stack">
      <h2>${words.title}</h2>
      ${data.url
        ? html`<p>${words.url}</p><div class="row"><code>${data.url}</code><button type="button" onClick=${copy}>${words.copy}</button></div>`
        : html`<p>${words.noUrl}</p>`}
      <p>${data.lastWebhookAt ? words.last(timeAgo(data.lastWebhookAt)) : words.none}</p>
      ${data.refusals.map((refusal) => html`<${Refusal} key=${`${refusal.scheme} ${refusal.reason}`} refusal=${refusal} format=${session.format} />`)}
      <button type="button" onClick=${sendTest}>${words.test}</button>
      <div aria-live="polite">${test && html`<${Note} level=${test.works ? "good" : "bad"}>${test.works ? words.testWorks(test.durationMs) : test.problem}<//>`}</div>
      <h3>${words.deliveries}</h3>
      <label class="check"><input type="checkbox" checked=${onlyFailed} onChange=${({ target }) => setOnlyFailed(target.checked)} /> ${words.onlyFailed}</label>
      ${shown.length
        ? html`<${Table} caption=${words.deliveries} columns=${words.columns} rows=${shown.map((delivery, index) => buildRow(delivery, index, session))} />`
        : html`<p class="empty">${words.noDeliveries}</p>`}
    </section>`;
}

function Refusal({ refusal: { scheme, reason, count, since }, format }) {
  const cause = words.reasons[reason] ?? reason;
  return html`<${Note} level="bad">${words.refused(count, format.timeOrMoment(since), managerLabels.credentials.names[scheme] ?? scheme, cause)}<//>`;
}

function buildRow(delivery, index, { format, linkTo }) {
  const { at, outcome, count, reason, eventType, reservationId, quarantineId, scheme } = delivery;
  const link = quarantineId ? linkTo("quarantine", quarantineId) : reservationId && linkTo("reservation", reservationId);
  const time = html`<span class="number">${format.timeOrMoment(at)}</span>`;
  return {
    key: index,
    cells: [
      link ? html`<a href=${link}>${time}</a>` : time,
      html`<span class="result ${LEVELS[outcome] ?? "watch"}">${words.outcomes[outcome] ?? outcome}</span>${count > 1 && html` <span class="number">${managerLabels.quarantine.times(count)}</span>`}`,
      managerLabels.quarantine.kinds[eventType] ?? (eventType ? managerLabels.quarantine.row : labels.unknown),
      words.reasons[reason] ?? reason ?? labels.unknown,
      managerLabels.credentials.names[scheme] ?? labels.unknown,
    ],
  };
}
