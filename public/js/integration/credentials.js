/** Entering credentials, which are never shown again. */

import { el, fill, note } from "../legacy/elements.js";
import { counted } from "../legacy/times.js";

const KINDS = {
  client: { word: "API client", fields: { clientId: "Client id", clientSecret: "Client secret" } },
  key: { word: "API key", fields: { apiKey: "API key" } },
  signing: { word: "Webhook signing secret", list: "webhookSecrets", hint: "whsec_…" },
  bearer: { word: "Webhook bearer token", list: "bearerTokens" },
  basic: { word: "Webhook user and password", list: "basicCredentials", hint: "user:password" },
};

/** The form of the credentials, with what is held said in numbers only. */
export function credentials({ credentials: held }, change) {
  const entry = el("div", { class: "stack" });
  const problem = el("div", { role: "alert" });
  const kind = el("select", { name: "kind", change: () => fill(entry, ...inputs(KINDS[kind.value])) },
    Object.entries(KINDS).map(([value, { word }]) => el("option", { value }, word)));
  async function submit(event) {
    event.preventDefault();
    try {
      await change({ credentials: said(KINDS[kind.value], new FormData(event.target)) }, "The credential is stored.");
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
  }
  fill(entry, ...inputs(KINDS.client));
  return el("form", { class: "panel stack", submit, autocomplete: "off" },
    el("h2", {}, "Credentials"), el("p", {}, inNumbers(held)),
    el("label", {}, "Enter a new", kind), entry, problem,
    el("div", { class: "row" }, el("button", { class: "primary" }, "Store it"),
      el("span", { class: "muted" }, "It is kept in Secret Manager and never shown again.")));
}

function inNumbers(held) {
  if (!held) return "They cannot be read just now.";
  const told = [
    held.api ? "OpenTable's API can be called" : "no API credential",
    counted(held.webhookSecrets, "signing secret"),
    counted(held.bearerTokens, "bearer token"),
    counted(held.basicCredentials, "password"),
  ];
  return `Held: ${told.join("; ")}.`;
}

function inputs({ fields, list, hint, word }) {
  const named = fields ?? { [list]: word };
  const keep = el("label", { class: "check" },
    el("input", { type: "checkbox", name: "keepPrevious", checked: true }),
    "The one before stays valid too, until the next is stored");
  return [
    ...Object.entries(named).map(([name, text]) => el("label", {}, text,
      el("input", { type: "password", name, required: true, autocomplete: "new-password", spellcheck: "false", placeholder: hint }))),
    list ? keep : null,
  ].filter(Boolean);
}

function said({ fields, list }, form) {
  if (list) return { [list]: [form.get(list).trim()], keepPrevious: form.has("keepPrevious") };
  return Object.fromEntries(Object.keys(fields).map((name) => [name, form.get(name).trim()]));
}
