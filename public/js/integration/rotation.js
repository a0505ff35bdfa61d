/** Rotating what webhooks are proved with: which one is used, and retiring the one before. */

import { button, el, fill, note } from "../legacy/elements.js";
import { table } from "../legacy/tables.js";
import { ago, clock, counted } from "../legacy/times.js";

const KINDS = [
  { scheme: "standard-webhooks", list: "webhookSecrets", word: "signing secret" },
  { scheme: "bearer", list: "bearerTokens", word: "bearer token" },
  { scheme: "basic", list: "basicCredentials", word: "user and password" },
];

/** The part of the screen, null where nothing is being rotated. */
export function rotation(house, { credentials: held, keyUses, keyUsesFrom }, change) {
  const rotating = KINDS.filter(({ list }) => held?.[list] > 1);
  if (!rotating.length) return null;
  const rows = rotating.flatMap((kind) => Array.from({ length: held[kind.list] }, (_, position) => {
    const use = keyUses.find((each) => each.scheme === kind.scheme && each.position === position);
    return [nameOf(kind, position), use ? ago(use.lastUsedAt) : "not of late"];
  }));
  return el("section", { class: "panel stack" },
    el("h2", {}, "Rotation"),
    el("p", {}, advice(keyUsesFrom, house.zone)),
    table("Which is used", ["Credential", "Last came with a webhook"], rows),
    rotating.map((kind) => retiring(kind, held[kind.list], change)));
}

function nameOf({ word }, position) {
  return position === 0 ? `The newest ${word}` : `The ${word} before it`;
}

function advice(from, zone) {
  if (from && Date.parse(from) > Date.now()) return `Which one is used is told from ${clock(from, zone)} on: until then the new one is still being taken up.`;
  return "Once the newest is used and the one before no longer, retire the one before.";
}

function retiring({ list, word }, count, change) {
  const problem = el("div", { role: "alert" });
  const older = count > 2 ? `the ${count - 1} older ${word}s` : `the older ${word}`;
  const retire = () => change({ credentials: { [list]: [], keepPrevious: true } }, `Only the newest ${word} is valid now.`)
    .catch((refused) => fill(problem, note("bad", refused.message)));
  const dialog = el("dialog", { class: "confirm", "aria-labelledby": `retire-${list}` },
    el("div", { class: "stack" },
      el("h2", { id: `retire-${list}` }, `Retire ${older}?`),
      el("p", {}, `Webhooks that still come with ${counted(count - 1, "older one").replace(/^1 /, "the ")} are refused from then on.`),
      el("div", { class: "choices" },
        button("Keep it", () => dialog.close()),
        button("Retire", () => { dialog.close(); retire(); }, { class: "danger solid" }))));
  return el("div", { class: "stack" }, button(`Retire ${older} …`, () => dialog.showModal()), problem, dialog);
}
