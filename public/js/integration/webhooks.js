/** Webhooks: the address, the newest deliveries and refusals, a test event, and the credentials. */

import { ConfirmDialog, ErrorAlert, LoadingOrError, NoUsername, Note, SecretInput, Table } from "../ui/components.js";
import { timeAgo } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels, problemText } from "../ui/labels-managers.js";
import { html, useAction, usePolling, useState } from "../ui/view.js";

const words = managerLabels.webhooks;
const credentialWords = managerLabels.credentials;
const PAUSE_MS = 20_000;
const LEVELS = { created: "good", updated: "good", unchanged: "good", stale: "good", quarantined: "watch", refused: "bad" };
/** For each scheme, the list that its credentials are stored in. */
const KINDS = {
  "standard-webhooks": { list: "webhookSecrets", placeholder: "whsec_…" },
  bearer: { list: "bearerTokens" },
  basic: { list: "basicCredentials", placeholder: "user:password" },
};

export function Webhooks({ session }) {
  const [data, setData] = useState(null);
  const [error, setError] = useState(null);
  const [test, setTest] = useState(null);
  const testing = useAction();
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

  const sendTest = () => testing.run(async () => {
    setTest(await session.api.post("integration/webhooks/test"));
    refresh();
  });

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
      <button type="button" disabled=${testing.isBusy} onClick=${sendTest}>${words.test}</button>
      <div aria-live="polite">${test && html`<${Note} level=${test.works ? "good" : "bad"}>${test.works ? words.testWorks(test.durationMs) : test.problem}<//>`}</div>
      <${ErrorAlert} error=${testing.error} />
      <h3>${words.deliveries}</h3>
      <label class="check"><input type="checkbox" checked=${onlyFailed} onChange=${({ target }) => setOnlyFailed(target.checked)} /> ${words.onlyFailed}</label>
      ${shown.length
        ? html`<${Table} caption=${words.deliveries} columns=${words.columns} rows=${shown.map((delivery, index) => buildRow(delivery, index, session))} />`
        : html`<p class="empty">${words.noDeliveries}</p>`}
    </section>`;
}

function Refusal({ refusal: { scheme, reason, count, since }, format }) {
  const cause = words.reasons[reason] ?? problemText(reason);
  return html`<${Note} level="bad">${words.refused(count, format.timeOrMoment(since), credentialWords.names[scheme] ?? scheme, cause)}<//>`;
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
      reason ? words.reasons[reason] ?? problemText(reason) : labels.unknown,
      credentialWords.names[scheme] ?? labels.unknown,
    ],
  };
}

/** The credentials of webhooks: generate one, or store the sender's. */
export function WebhookCredentials({ session, integration: { credentials }, change, onChanged }) {
  const [scheme, setScheme] = useState("standard-webhooks");
  const [keepPrevious, setKeepPrevious] = useState(true);
  const [generated, setGenerated] = useState(null);
  const { run, error } = useAction();
  const { list, placeholder } = KINDS[scheme];
  const generate = () => run(async () => {
    setGenerated(await session.api.post("integration/webhooks/credentials", { scheme, keepPrevious }));
    await onChanged();
  });
  function submit(event) {
    event.preventDefault();
    const form = event.target;
    const credential = String(new FormData(form).get(list)).trim();
    run(async () => {
      await change({ credentials: { [list]: [credential], keepPrevious } }, credentialWords.saved);
      form.reset();
    });
  }

  return html`
    <form class="panel stack" autocomplete="off" onSubmit=${submit}>
      <${NoUsername} />
      <h2>${credentialWords.webhookTitle}</h2>
      <p>${credentials ? credentialWords.stored(credentials) : credentialWords.unreadable}</p>
      <label>${credentialWords.kind}
        <select value=${scheme} onChange=${({ target }) => { setScheme(target.value); setGenerated(null); }}>
          ${Object.keys(KINDS).map((value) => html`<option key=${value} value=${value}>${credentialWords.kinds[value]}</option>`)}
        </select>
      </label>
      <label class="check"><input type="checkbox" checked=${keepPrevious} onChange=${({ target }) => setKeepPrevious(target.checked)} /> ${credentialWords.keepPrevious}</label>
      <button type="button" class="primary" onClick=${generate}>${credentialWords.generate}</button>
      ${generated && html`<${Generated} session=${session} generated=${generated} />`}
      <details class="stack">
        <summary>${credentialWords.enter}</summary>
        <${SecretInput} key=${list} name=${list} label=${credentialWords.kinds[scheme]} placeholder=${placeholder} />
        <div class="row"><button>${credentialWords.save}</button><span class="muted">${credentialWords.kept}</span></div>
      </details>
      <${ErrorAlert} error=${error} />
    </form>`;
}

function Generated({ session, generated: { credential } }) {
  const copy = () => navigator.clipboard.writeText(credential).then(() => session.announce(credentialWords.copied));
  return html`
    <${Note} level="watch">${credentialWords.generatedOnce}<//>
    <div class="row"><code class="credential">${credential}</code><button type="button" onClick=${copy}>${credentialWords.copy}</button></div>`;
}

/** While an old and a new credential are valid: which one is used, and how to revoke the old one. */
export function Rotation({ session, integration: { credentials, keyUses, keyUsesFrom }, change }) {
  const [retired, setRetired] = useState(null);
  const rotating = Object.entries(KINDS).filter(([, { list }]) => credentials?.[list] > 1);
  if (!rotating.length) return null;
  const rows = rotating.flatMap(([scheme, { list }]) => Array.from({ length: credentials[list] }, (_, position) => {
    const use = keyUses.find((each) => each.scheme === scheme && each.position === position);
    const name = position === 0 ? credentialWords.newest(credentialWords.names[scheme]) : credentialWords.older(credentialWords.names[scheme]);
    return { key: `${scheme} ${position}`, cells: [name, use ? timeAgo(use.lastUsedAt) : credentialWords.notUsed] };
  }));
  const isUnknown = keyUsesFrom && Date.parse(keyUsesFrom) > Date.now();
  return html`
    <section class="panel stack">
      <h2>${credentialWords.rotation}</h2>
      <p>${isUnknown ? credentialWords.useUnknown(session.format.time(keyUsesFrom)) : credentialWords.rotationText}</p>
      <${Table} caption=${credentialWords.useCaption} columns=${credentialWords.useColumns} rows=${rows} />
      <div class="choices">
        ${rotating.map(([scheme]) => html`<button key=${scheme} type="button" onClick=${() => setRetired(scheme)}>${credentialWords.retire(credentialWords.names[scheme])}</button>`)}
      </div>
      ${retired && html`
        <${ConfirmDialog} title=${credentialWords.retireTitle(credentialWords.names[retired])} text=${credentialWords.retireText} confirm=${credentialWords.retireConfirm} isDangerous
          run=${() => change({ credentials: { [KINDS[retired].list]: [], keepPrevious: true } }, credentialWords.retired(credentialWords.names[retired]))}
          onClose=${() => setRetired(null)} />`}
    </section>`;
}
