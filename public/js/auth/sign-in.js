/** Sign-in: the form, password reset, the second factor, and why the last session ended. */

import { ApiError, fetchWithTimeout } from "../api-client.js";
import { labels } from "../ui/labels.js";
import { html, useAction, useState } from "../ui/view.js";

// Firebase Hosting serves its project's web configuration here, and the local gateway its own.
const CONFIGURATION_PATH = "/__/firebase/init.json";
const REASON_KEY = "staff.signOutReason";

/**
 * Choose the sign-in provider: Firebase in production, the demo staff in a local run.
 * @returns {Promise<object>} `resume()` returns the signed-in person or null. Firebase also has
 *   `signIn`, `finishSecondFactor` and `resetPassword`, the demo `demoPersons`.
 */
export async function findSignInProvider() {
  const response = await fetchWithTimeout(CONFIGURATION_PATH);
  if (response.status >= 500) throw new ApiError(response.status, "UNAVAILABLE", labels.errors.unavailable);
  const configuration = response.ok ? await response.json() : {};
  if (configuration.apiKey) return (await import("./firebase.js")).createFirebaseProvider(configuration.apiKey);
  if (configuration.local) return (await import("./local.js")).createLocalProvider(configuration.local);
  throw new ApiError(404, "NO_SIGN_IN", labels.signIn.noProvider);
}

/** Show the sign-in again. It gives the reason, unless the person signed out. */
export function restartSignedOut(reason) {
  if (reason) sessionStorage.setItem(REASON_KEY, reason);
  location.reload();
}

/** Return once why the last session ended; null without a reason. */
export function takeSignOutReason() {
  const reason = sessionStorage.getItem(REASON_KEY);
  sessionStorage.removeItem(REASON_KEY);
  return reason;
}

/** The sign-in page; `onSignedIn` gets the person. */
export function SignIn({ provider, restaurantId, reason, onSignedIn }) {
  return html`
    <main id="main" class="centered sign-in">
      <h1>${labels.product}</h1>
      ${restaurantId && html`<p class="muted">${labels.signIn.forRestaurant(restaurantId)}</p>`}
      ${reason && html`<p class="note watch">${reason}</p>`}
      ${provider.demoPersons
        ? html`<${DemoSignIn} provider=${provider} onSignedIn=${onSignedIn} />`
        : html`<${PasswordSignIn} provider=${provider} onSignedIn=${onSignedIn} />`}
    </main>`;
}

function DemoSignIn({ provider, onSignedIn }) {
  return html`
    <div class="stack">
      <p>${labels.signIn.demo}</p>
      ${provider.demoPersons.map(({ role, enter }) => html`
        <button type="button" class="primary" onClick=${() => onSignedIn(enter())}>${labels.signIn.viewAs(role)}</button>`)}
    </div>`;
}

function PasswordSignIn({ provider, onSignedIn }) {
  const [email, setEmail] = useState("");
  const [notice, setNotice] = useState(null);
  const [secondFactor, setSecondFactor] = useState(null);
  const { run, isBusy, error } = useAction();

  function submitPassword(event) {
    event.preventDefault();
    const password = new FormData(event.target).get("password");
    setNotice(null);
    run(async () => {
      const result = await provider.signIn(email, password);
      if (result.secondFactor) setSecondFactor(result.secondFactor);
      else onSignedIn(result.person);
    });
  }

  function submitCode(event) {
    event.preventDefault();
    const code = new FormData(event.target).get("code").replaceAll(/\s/g, "");
    run(async () => onSignedIn(await provider.finishSecondFactor(secondFactor, code)));
  }

  function resetPassword() {
    if (!email.includes("@")) return setNotice({ level: "watch", text: labels.signIn.resetNeedsEmail });
    setNotice(null);
    return run(async () => {
      await provider.resetPassword(email);
      setNotice({ level: "good", text: labels.signIn.resetSent(email) });
    });
  }

  const shown = notice ?? (error && { level: "bad", text: error });
  const alert = html`<div role="alert">${shown && html`<p class="note ${shown.level}">${shown.text}</p>`}</div>`;
  if (secondFactor) {
    return html`
      <form class="stack" onSubmit=${submitCode}>
        <label>${labels.signIn.code}
          <input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus pattern="[0-9 ]{6,9}" />
        </label>
        ${alert}
        <button class="primary" disabled=${isBusy}>${labels.signIn.submit}</button>
        <button type="button" class="quiet" onClick=${() => setSecondFactor(null)}>${labels.goBack}</button>
      </form>`;
  }
  return html`
    <form class="stack" onSubmit=${submitPassword}>
      <label>${labels.signIn.email}
        <input name="email" type="email" autocomplete="username" required value=${email} onInput=${(event) => setEmail(event.target.value)} />
      </label>
      <label>${labels.signIn.password}
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      ${alert}
      <button class="primary" disabled=${isBusy}>${labels.signIn.submit}</button>
      <button type="button" class="quiet" disabled=${isBusy} onClick=${resetPassword}>${labels.signIn.forgot}</button>
    </form>`;
}
