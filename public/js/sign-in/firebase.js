/**
 * Signing in with Firebase Authentication, by its REST interface.
 * https://firebase.google.com/docs/reference/rest/auth
 */

import { Refused, reached } from "../api.js";
import { startAnew } from "./leaving.js";

const SIGN_IN = "https://identitytoolkit.googleapis.com/v1/accounts:signInWithPassword";
const RENEW = "https://securetoken.googleapis.com/v1/token";
// Kept between visits, as Firebase's own library does: a host stand stays signed in.
const KEPT = "staff.signedIn";
const EARLY_MS = 5 * 60_000;
const PROBLEMS = {
  USER_DISABLED: "This account is switched off: ask the manager.",
  TOO_MANY_ATTEMPTS_TRY_LATER: "Too many tries: wait a few minutes, then try again.",
};
const WRONG = new Set(["EMAIL_NOT_FOUND", "INVALID_PASSWORD", "INVALID_EMAIL", "INVALID_LOGIN_CREDENTIALS"]);

/**
 * The way in by e-mail and password.
 * @param {string} apiKey The web configuration's; it names the project and is no secret.
 */
export function firebaseDoor(apiKey) {
  return {
    async resume() {
      const kept = read();
      return kept ? personOf(apiKey, { ...kept, token: "", until: 0 }) : null;
    },
    async password(email, password) {
      const body = JSON.stringify({ email, password, returnSecureToken: true });
      const said = await asked(SIGN_IN, apiKey, "application/json", body);
      if (!said.idToken) throw new Refused(401, "SECOND_FACTOR", "This account needs a second factor, which this page does not have.");
      const held = { name: said.email ?? email, ...heldFrom(said.idToken, said.refreshToken, said.expiresIn) };
      keep(held);
      return personOf(apiKey, held);
    },
  };
}

function personOf(apiKey, held) {
  let current = held;
  async function renew() {
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: current.refreshToken });
    const said = await asked(RENEW, apiKey, "application/x-www-form-urlencoded", form.toString());
    current = { name: current.name, ...heldFrom(said.id_token, said.refresh_token, said.expires_in) };
    keep(current);
  }
  return {
    name: held.name,
    async token(again) {
      if (again || Date.now() > current.until - EARLY_MS) await renew().catch(leaveIfOver);
      return current.token;
    },
    leave,
  };
}

function heldFrom(token, refreshToken, expiresIn) {
  return { token, refreshToken, until: Date.now() + Number(expiresIn) * 1000 };
}

async function asked(url, apiKey, type, body) {
  const options = { method: "POST", headers: { "Content-Type": type }, body };
  const answer = await reached(`${url}?key=${encodeURIComponent(apiKey)}`, options);
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const code = String(said.error?.message ?? "").split(" ")[0];
  const text = WRONG.has(code) ? "The e-mail or the password is not right." : PROBLEMS[code];
  throw new Refused(answer.status, code, text ?? "Signing in does not work just now; try again in a minute.");
}

function leaveIfOver(refused) {
  // Firebase refuses a visit that is over with 400; anything else may pass.
  if (refused.status === 400) leave("Your sign-in has ended. Sign in again.");
  throw refused;
}

function leave(reason) {
  localStorage.removeItem(KEPT);
  startAnew(reason);
}

function keep({ name, refreshToken }) {
  localStorage.setItem(KEPT, JSON.stringify({ name, refreshToken }));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}
