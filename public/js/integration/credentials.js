/** Credentials: stored ones are never shown, a generated one once. */

import { ConfirmDialog, Note, Table } from "../ui/components.js";
import { timeAgo } from "../ui/format.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useState } from "../ui/view.js";

const words = managerLabels.credentials;
const KINDS = {
  "standard-webhooks": { list: "webhookSecrets", placeholder: "whsec_…" },
  bearer: { list: "bearerTokens" },
  basic: { list: "basicCredentials", placeholder: "user:password" },
};
const API_FIELDS = { client: ["clientId", "clientSecret"], key: ["apiKey"] };

/** OpenTable's API credential. */
export function ApiCredentials({ integration: { credentials }, change }) {
  const [kind, setKind] = useState("client");
  const [error, setError] = useState(null);
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const fields = Object.fromEntries(API_FIELDS[kind].map((name) => [name, String(form.get(name)).trim()]));
    try {
      await change({ credentials: fields }, words.saved);
    } catch (problem) {
      setError(problem.message);
    }
  }
  return html`
    <form class="panel stack" autocomplete="off" onSubmit=${submit}>
      <${UserName} />
      <h2>${words.apiTitle}</h2>
      <${NoUsername} />
      <p>${!credentials ? words.unreadable : credentials.api ? words.apiSet : words.apiMissing}</p>
      <label>${words.kind}
        <select value=${kind} onChange=${({ target }) => setKind(target.value)}>
          ${Object.keys(API_FIELDS).map((value) => html`<option key=${value} value=${value}>${words.apiKinds[value]}</option>`)}
        </select>
      </label>
      ${API_FIELDS[kind].map((name) => html`<${SecretInput} key=${name} name=${name} label=${words.apiFields[name]} />`)}
      <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
      <div class="row"><button class="primary">${words.save}</button><span class="muted">${words.kept}</span></div>
    </form>`;
}

/** The credentials of webhooks: generate one, or store the sender's. */
export function WebhookCredentials({ session, integration: { credentials }, change, onChanged }) {
  const [scheme, setScheme] = useState("standard-webhooks");
  const [keepPrevious, setKeepPrevious] = useState(true);
  const [generated, setGenerated] = useState(null);
  const [error, setError] = useState(null);
  const { list, placeholder } = KINDS[scheme];

  async function run(action) {
    setError(null);
    try {
      await action();
    } catch (problem) {
      setError(problem.message);
    }
  }
  const generate = () => run(async () => {
    setGenerated(await session.api.post("integration/webhooks/credentials", { scheme, keepPrevious }));
    await onChanged();
  });
  function submit(event) {
    event.preventDefault();
    const form = event.target;
    const credential = String(new FormData(form).get(list)).trim();
    run(async () => {
      await change({ credentials: { [list]: [credential], keepPrevious } }, words.saved);
      form.reset();
    });
  }

  return html`
    <form class="panel stack" autocomplete="off" onSubmit=${submit}>
      <${UserName} />
      <h2>${words.webhookTitle}</h2>
      <${NoUsername} />
      <p>${credentials ? words.stored(credentials) : words.unreadable}</p>
      <label>${words.kind}
        <select value=${scheme} onChange=${({ target }) => { setScheme(target.value); setGenerated(null); }}>
          ${Object.keys(KINDS).map((value) => html`<option key=${value} value=${value}>${words.kinds[value]}</option>`)}
        </select>
      </label>
      <label class="check"><input type="checkbox" checked=${keepPrevious} onChange=${({ target }) => setKeepPrevious(target.checked)} /> ${words.keepPrevious}</label>
      <button type="button" class="primary" onClick=${generate}>${words.generate}</button>
      ${generated && html`<${Generated} session=${session} generated=${generated} />`}
      <details class="stack">
        <summary>${words.enter}</summary>
        <${SecretInput} key=${list} name=${list} label=${words.kinds[scheme]} placeholder=${placeholder} />
        <div class="row"><button>${words.save}</button><span class="muted">${words.kept}</span></div>
      </details>
      <div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>
    </form>`;
}

function Generated({ session, generated: { credential } }) {
  const copy = () => navigator.clipboard.writeText(credential).then(() => session.announce(words.copied));
  return html`
    <${Note} level="watch">${words.generatedOnce}<//>
    <div class="row"><code class="credential">${credential}</code><button type="button" onClick=${copy}>${words.copy}</button></div>`;
}

/** Browsers warn about a form with a password and no user name; a secret has none. */
function NoUsername() {
  return html`<input type="text" autocomplete="username" hidden />`;
}

/** Browsers warn about a password form without a user name. */
function UserName() {
  return html`<input type="text" autocomplete="username" hidden />`;
}

function SecretInput({ name, label, placeholder }) {
  return html`<label>${label}<input type="password" name=${name} required autocomplete="new-password" spellcheck="false" placeholder=${placeholder} /></label>`;
}

/** While an old and a new credential are valid: which one is used, and how to revoke the old one. */
export function Rotation({ session, integration: { credentials, keyUses, keyUsesFrom }, change }) {
  const [retired, setRetired] = useState(null);
  const rotating = Object.entries(KINDS).filter(([, { list }]) => credentials?.[list] > 1);
  if (!rotating.length) return null;
  const rows = rotating.flatMap(([scheme, { list }]) => Array.from({ length: credentials[list] }, (_, position) => {
    const use = keyUses.find((each) => each.scheme === scheme && each.position === position);
    const name = position === 0 ? words.newest(words.names[scheme]) : words.older(words.names[scheme]);
    return { key: `${scheme} ${position}`, cells: [name, use ? timeAgo(use.lastUsedAt) : words.notUsed] };
  }));
  const isUnknown = keyUsesFrom && Date.parse(keyUsesFrom) > Date.now();
  return html`
    <section class="panel stack">
      <h2>${words.rotation}</h2>
      <p>${isUnknown ? words.useUnknown(session.format.time(keyUsesFrom)) : words.rotationText}</p>
      <${Table} caption=${words.useCaption} columns=${words.useColumns} rows=${rows} />
      <div class="choices">
        ${rotating.map(([scheme]) => html`<button key=${scheme} type="button" onClick=${() => setRetired(scheme)}>${words.retire(words.names[scheme])}</button>`)}
      </div>
      ${retired && html`
        <${ConfirmDialog} title=${words.retireTitle(words.names[retired])} text=${words.retireText} confirm=${words.retireConfirm} isDangerous
          run=${() => change({ credentials: { [KINDS[retired].list]: [], keepPrevious: true } }, words.retired(words.names[retired]))}
          onClose=${() => setRetired(null)} />`}
    </section>`;
}
