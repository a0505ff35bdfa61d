/** Settings of the connection, OpenTable's API credential, and what only operators set. */

import { ConfirmDialog, ErrorAlert, NoUsername, SecretInput } from "../ui/components.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useAction, useState } from "../ui/view.js";

const words = managerLabels.integration;
const credentialWords = managerLabels.credentials;
const SCHEMES = ["standard-webhooks", "bearer", "basic"];
const API_FIELDS = { client: ["clientId", "clientSecret"], key: ["apiKey"] };

export function Settings({ integration, change }) {
  const { run, error } = useAction();
  /** A change that moves reservations to another day waits for a confirmation. */
  const [unconfirmed, setUnconfirmed] = useState(null);

  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const text = (name) => String(form.get(name)).trim() || null;
    const fields = {
      name: text("name"),
      timeZone: text("timeZone"),
      country: text("country")?.toUpperCase() ?? null,
      serviceDayEndsAt: text("serviceDayEndsAt"),
      hourCycle: text("hourCycle"),
      webhookAuth: form.getAll("webhookAuth"),
    };
    run(async () => {
      try {
        await change(fields, words.saved);
      } catch (problem) {
        if (problem.code !== "TIME_ZONE_UNCONFIRMED") throw problem;
        setUnconfirmed({ fields, text: problem.message });
      }
    });
  }

  return html`
    <form class="panel stack" onSubmit=${submit}>
      <h2>${words.settings}</h2>
      <p>${words.rid(integration.restaurantId)}</p>
      <label>${words.name}<input name="name" maxlength="100" defaultValue=${integration.name ?? ""} /></label>
      <label>${words.timeZone}<input name="timeZone" required list="zones" defaultValue=${integration.timeZone ?? ""} /></label>
      <datalist id="zones">${Intl.supportedValuesOf("timeZone").map((zone) => html`<option value=${zone}></option>`)}</datalist>
      <label>${words.country}<input name="country" class="short" maxlength="2" pattern="[A-Za-z]{2}" placeholder="US" defaultValue=${integration.country ?? ""} /></label>
      <label>${words.serviceDayEndsAt}<input name="serviceDayEndsAt" type="time" max="11:59" defaultValue=${integration.serviceDayEndsAt} /></label>
      <label>${words.hourCycle}
        <select name="hourCycle" defaultValue=${integration.hourCycle ?? ""}>
          ${Object.entries(words.hourCycles).map(([value, text]) => html`<option value=${value} selected=${value === (integration.hourCycle ?? "")}>${text}</option>`)}
        </select>
      </label>
      <fieldset class="checks">
        <legend>${words.webhookAuth}</legend>
        ${SCHEMES.map((scheme) => html`
          <label class="check"><input type="checkbox" name="webhookAuth" value=${scheme} defaultChecked=${integration.webhookAuth.includes(scheme)} /> ${words.schemes[scheme]}</label>`)}
        <p class="muted">${words.webhookAuthHint}</p>
      </fieldset>
      <${ErrorAlert} error=${error} />
      <button class="primary">${words.save}</button>
      ${unconfirmed && html`
        <${ConfirmDialog} title=${words.zoneTitle} text=${unconfirmed.text} confirm=${words.zoneConfirm}
          run=${() => change({ ...unconfirmed.fields, confirmTimeZone: true }, words.saved)} onClose=${() => setUnconfirmed(null)} />`}
    </form>`;
}

/** OpenTable's API credential. */
export function ApiCredentials({ integration: { credentials }, change }) {
  const [kind, setKind] = useState("client");
  const { run, error } = useAction();
  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const fields = Object.fromEntries(API_FIELDS[kind].map((name) => [name, String(form.get(name)).trim()]));
    run(() => change({ credentials: fields }, credentialWords.saved));
  }
  return html`
    <form class="panel stack" autocomplete="off" onSubmit=${submit}>
      <${NoUsername} />
      <h2>${credentialWords.apiTitle}</h2>
      <p>${!credentials ? credentialWords.unreadable : credentials.api ? credentialWords.apiSet : credentialWords.apiMissing}</p>
      <label>${credentialWords.kind}
        <select value=${kind} onChange=${({ target }) => setKind(target.value)}>
          ${Object.keys(API_FIELDS).map((value) => html`<option key=${value} value=${value}>${credentialWords.apiKinds[value]}</option>`)}
        </select>
      </label>
      ${API_FIELDS[kind].map((name) => html`<${SecretInput} key=${name} name=${name} label=${credentialWords.apiFields[name]} />`)}
      <${ErrorAlert} error=${error} />
      <div class="row"><button class="primary">${credentialWords.save}</button><span class="muted">${credentialWords.kept}</span></div>
    </form>`;
}

/** OpenTable's number of the restaurant, and the name of its secret. */
export function OperatorSettings({ integration, change }) {
  const { run, error } = useAction();
  function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const rid = String(form.get("restaurantId")).trim();
    const secret = String(form.get("secret")).trim() || null;
    run(() => change({ ...(rid && { restaurantId: rid }), secret }, words.saved));
  }
  return html`
    <form class="panel stack" onSubmit=${submit}>
      <h2>${words.operators}</h2>
      <label>${words.ridField}<input name="restaurantId" inputmode="numeric" pattern="[0-9]{1,18}" defaultValue=${integration.restaurantId ?? ""} /></label>
      <label>${words.secretField}<input name="secret" pattern="[A-Za-z0-9_\\-]{1,255}" defaultValue=${integration.secret ?? ""} /></label>
      <p class="muted">${words.secretHint}</p>
      <${ErrorAlert} error=${error} />
      <button>${words.saveOperators}</button>
    </form>`;
}
