/** The staff of a restaurant: managers see, add and remove hosts and managers. */

import { ConfirmDialog, ErrorAlert, LoadingOrError, Note, Table } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useAction, useLoaded, useState } from "../ui/view.js";

const words = managerLabels.staff;
const ROLES = ["host", "manager"];

export function Screen({ session }) {
  const { data, error, setData } = useLoaded(() => session.api.get("staff"), []);
  const [removed, setRemoved] = useState(null);
  if (!data) return html`<div class="office"><h1>${labels.screens.staff}</h1><${LoadingOrError} error=${error} /></div>`;

  async function remove({ uid, ...member }) {
    setData(await session.api.delete(`staff/${encodeURIComponent(uid)}`));
    session.announce(words.removed(nameOf(member)));
  }

  return html`
    <div class="office">
      <h1>${labels.screens.staff}</h1>
      <p>${words.intro}</p>
      <${Members} session=${session} staff=${data.staff} onRemove=${setRemoved} />
      <${AddForm} session=${session} onChanged=${setData} />
      <${Changes} session=${session} changes=${data.changes} />
      ${removed && html`
        <${ConfirmDialog} title=${words.removeTitle(nameOf(removed))} text=${words.removeText} confirm=${words.remove} isDangerous
          run=${() => remove(removed)} onClose=${() => setRemoved(null)} />`}
    </div>`;
}

function Members({ session, staff, onRemove }) {
  const rows = staff.map((member) => ({
    key: member.uid,
    cells: [
      nameOf(member),
      member.email ?? labels.unknown,
      words.roles[member.role],
      stateOf(member),
      member.addedAt ? words.added(session.format.moment(member.addedAt), member.addedBy) : labels.unknown,
      html`<button type="button" aria-label=${words.removeNamed(nameOf(member))} onClick=${() => onRemove(member)}>${words.removeButton}</button>`,
    ],
  }));
  return html`<${Table} caption=${labels.screens.staff} columns=${words.columns} rows=${rows} />`;
}

/** Adds a person, or changes the role of one who is listed. */
function AddForm({ session, onChanged }) {
  const [message, setMessage] = useState(null);
  const { run, isBusy, error } = useAction();

  function add(event) {
    event.preventDefault();
    const form = event.target;
    const { email, role } = Object.fromEntries(new FormData(form));
    setMessage(null);
    run(async () => {
      const { accountIsNew, ...staff } = await session.api.post("staff", { email, role });
      onChanged(staff);
      form.reset();
      setMessage(await welcome(session, email, accountIsNew));
    });
  }

  return html`
    <form class="panel stack" onSubmit=${add}>
      <h2>${words.add}</h2>
      <label>${words.email}<input name="email" type="email" required maxlength="254" autocomplete="off" /></label>
      <fieldset class="choices">
        <legend>${words.role}</legend>
        ${ROLES.map((role) => html`
          <label class="check"><input type="radio" name="role" value=${role} defaultChecked=${role === "host"} /> ${words.roles[role]}</label>`)}
      </fieldset>
      <button class="primary" disabled=${isBusy}>${words.addButton}</button>
      <div role="status">${message && html`<${Note} level="good">${message}<//>`}</div>
      <${ErrorAlert} error=${error} />
    </form>`;
}

/** Have a new account's owner invited; return what happened. */
async function welcome({ person }, email, accountIsNew) {
  if (!accountIsNew) return words.addedNow(email);
  if (!person.invite) return words.addedWithoutPassword(email); // the demo sends no email
  await person.invite(email);
  return words.invited(email);
}

function Changes({ session, changes }) {
  if (!changes.length) return null;
  return html`
    <section class="stack">
      <h2>${words.changes}</h2>
      <ul>
        ${changes.map(({ person, previousRole, role, changedBy, changedAt }) => html`
          <li key=${`${changedAt} ${person}`}>${words.change(person, previousRole, role)}
            <span class="muted"> ${words.changedBy(changedBy, session.format.moment(changedAt))}</span></li>`)}
      </ul>
    </section>`;
}

function nameOf({ name, email }) {
  return name ?? email ?? words.deletedAccount;
}

function stateOf({ isDisabled, isInvited, name, email }) {
  if (!name && !email) return words.states.deleted;
  if (isDisabled) return words.states.disabled;
  return isInvited ? words.states.invited : words.states.active;
}
