/** Entry point: find the sign-in provider, sign in, and open the app. */

import { retryUntilReachable } from "./api-client.js";
import { findSignInProvider, SignIn, takeSignOutReason } from "./auth/sign-in.js";
import { labels } from "./ui/labels.js";
import { html, parseAddress, render } from "./ui/view.js";

const root = document.getElementById("app");

async function start() {
  const provider = await retryUntilReachable(findSignInProvider, showError);
  const person = (await provider.resume()) ?? (await signIn(provider));
  const { App, loadStyles } = await import("./app-shell.js");
  await loadStyles();
  render(html`<${App} provider=${provider} person=${person} />`, root);
  focusStart();
}

/** Let the next Tab reach the first link, although the button of the sign-in had the focus. */
function focusStart() {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}

function signIn(provider) {
  document.title = labels.signIn.title;
  const { restaurantId } = parseAddress(location.hash);
  const reason = takeSignOutReason();
  return new Promise((resolve) => {
    render(html`<${SignIn} provider=${provider} restaurantId=${restaurantId} reason=${reason} onSignedIn=${resolve} />`, root);
  });
}

function showError(error) {
  render(html`<main id="main" class="centered"><h1>${labels.product}</h1><p class="note bad" role="alert">${error.message}</p></main>`, root);
}

// The static "Loading …" is not Preact's.
root.replaceChildren();
start().catch(showError);
