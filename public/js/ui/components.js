/** Components that all screens share. */

import { labels, statusText } from "./labels.js";
import { html, useAction, useEffect, useRef } from "./view.js";

/** Text for screen readers only. */
export function VisuallyHidden({ children }) {
  return html`<span class="visually-hidden">${children}</span>`;
}

/** A message: `level` is "good", "watch" or "bad". */
export function Note({ level, children }) {
  return html`<p class="note ${level}">${children}</p>`;
}

/** The message of a failed action; screen readers announce it. */
export function ErrorAlert({ error }) {
  return html`<div role="alert">${error && html`<${Note} level="bad">${error}<//>`}</div>`;
}

/** For a form with secrets, once: browsers warn about a password without a user name. */
export function NoUsername() {
  return html`<input type="text" autocomplete="username" hidden />`;
}

/** A field for a secret. */
export function SecretInput({ name, label, placeholder }) {
  return html`<label>${label}<input type="password" name=${name} required autocomplete="new-password" spellcheck="false" placeholder=${placeholder} /></label>`;
}

/** A definition list of `[name, value]` pairs; pairs without a value are left out. */
export function FactList({ facts }) {
  const present = facts.filter(([, value]) => value != null && value !== "" && value !== false);
  return html`<dl class="facts">${present.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/**
 * A table that narrow screens show as cards.
 * @param {{caption: string, columns: string[], rows: Array<{key: string, cells: Array}>}} props The
 *   first cell names its row.
 */
export function Table({ caption, columns, rows }) {
  return html`
    <table role="table" class="cards">
      <caption class="visually-hidden">${caption}</caption>
      <thead role="rowgroup"><tr role="row">${columns.map((text) => html`<th role="columnheader" scope="col">${text}</th>`)}</tr></thead>
      <tbody role="rowgroup">
        ${rows.map(({ key, cells: [first, ...rest] }) => html`
          <tr role="row" key=${key}>
            <th role="rowheader" scope="row">${first}</th>
            ${rest.map((cell, index) => html`<td role="cell" data-label=${columns[index + 1]}>${cell}</td>`)}
          </tr>`)}
      </tbody>
    </table>`;
}

/** A reservation's status: a word with a mark for people who do not see colors. */
export function StatusBadge({ status }) {
  return html`
    <span class="status" data-status=${status}>
      <span class="mark" aria-hidden="true">${labels.statuses[status]?.mark ?? "?"}</span>${statusText(status)}
    </span>`;
}

/** Where a reservation was made. */
export function SourceBadge({ system }) {
  if (system !== "OPENTABLE") return html`<span class="badge">${labels.sources[system] ?? labels.unknownSource}</span>`;
  return html`
    <span class="badge open-table" title=${labels.sources.OPENTABLE}>
      <span aria-hidden="true">OT</span><${VisuallyHidden}>${labels.sources.OPENTABLE}<//>
    </span>`;
}

/**
 * A modal dialog, open while it is mounted. Escape and a click outside call `onClose`. The element
 * with `data-initial-focus` gets the focus: the browser logs a warning about `autofocus`.
 */
export function Dialog({ className, label, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const element = dialog.current;
    element.showModal();
    element.querySelector("[data-initial-focus]")?.focus();
    // Closing before the removal gives the focus back.
    return () => element.close();
  }, []);
  return html`
    <dialog ref=${dialog} class=${className} aria-label=${label}
      onCancel=${(event) => { event.preventDefault(); onClose(); }}
      onClick=${(event) => { if (event.target === dialog.current) onClose(); }}>
      ${children}
    </dialog>`;
}

/**
 * A dialog that asks before an action, with an optional or required reason.
 * @param {{title: string, text: string, confirm: string, reason?: {label: string, isRequired?: boolean},
 *   isDangerous?: boolean, run: (reason: string) => Promise<void>, onClose: () => void}} props
 */
export function ConfirmDialog({ title, text, confirm, reason, isDangerous, run, onClose, children }) {
  const action = useAction();

  function submit(event) {
    event.preventDefault();
    const enteredReason = String(new FormData(event.target).get("reason") ?? "").trim();
    action.run(async () => {
      await run(enteredReason);
      onClose();
    });
  }

  return html`
    <${Dialog} className="confirm" label=${title} onClose=${onClose}>
      <form class="stack" onSubmit=${submit}>
        <h2>${title}</h2>
        ${text && html`<p>${text}</p>`}
        ${children}
        ${reason && html`<label>${reason.label}<textarea name="reason" rows="2" maxlength="500" required=${reason.isRequired}></textarea></label>`}
        <${ErrorAlert} error=${action.error} />
        <div class="choices">
          <button type="button" data-initial-focus onClick=${onClose}>${labels.goBack}</button>
          <button class=${isDangerous ? "danger solid" : "primary"} disabled=${action.isBusy}>${confirm}</button>
        </div>
      </form>
    <//>`;
}

/** What `useLoaded` shows while it has no data: "Loading …" or the error. */
export function LoadingOrError({ error }) {
  return error ? html`<${ErrorAlert} error=${error.message} />` : html`<p class="empty">${labels.loading}</p>`;
}
