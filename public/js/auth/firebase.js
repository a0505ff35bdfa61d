/**
 * Sign-in with Firebase Authentication, by its REST API.
 * https://firebase.google.com/docs/reference/rest/auth
 */

import { ApiError, fetchWithTimeout } from "../api-client.js";
import { labels } from "../ui/labels.js";
import { restartSignedOut } from "./sign-in.js";

const IDENTITY_TOOLKIT = "https://identitytoolkit.googleapis.com";
const SIGN_IN = `${IDENTITY_TOOLKIT}/v1/accounts:signInWithPassword`;
const SEND_EMAIL = `${IDENTITY_TOOLKIT}/v1/accounts:sendOobCode`;
const SECOND_FACTOR = `${IDENTITY_TOOLKIT}/v2/accounts/mfaSignIn:finalize`;
const RENEW = "https://securetoken.googleapis.com/v1/token";
// Kept between visits, as Firebase's own library does: a host stand stays signed in.
const SESSION_KEY = "staff.signedIn";
const RENEW_BEFORE_EXPIRY_MS = 5 * 60_000;
const WRONG_CREDENTIALS = new Set(["EMAIL_NOT_FOUND", "INVALID_PASSWORD", "INVALID_EMAIL", "INVALID_LOGIN_CREDENTIALS"]);
const MESSAGES = {
  USER_DISABLED: labels.signIn.disabled,
  TOO_MANY_ATTEMPTS_TRY_LATER: labels.signIn.tooManyAttempts,
  RESET_PASSWORD_EXCEED_LIMIT: labels.signIn.tooManyAttempts,
  INVALID_CODE: labels.signIn.wrongCode,
  TOTP_CHALLENGE_TIMEOUT: labels.signIn.codeExpired,
  INVALID_MFA_PENDING_CREDENTIAL: labels.signIn.codeExpired,
};

/**
 * Return the provider for email and password.
 * @param {string} apiKey From the web configuration; it names the project and is not a secret.
 */
export function createFirebaseProvider(apiKey) {
  return {
    async resume() {
      const session = readSession();
      return session ? createPerson(apiKey, { ...session, token: "", expiresAt: 0 }) : null;
    },

    /** Returns `{person}`, or `{secondFactor}` if the account has one. */
    async signIn(email, password) {
      const reply = await postJson(SIGN_IN, apiKey, { email, password, returnSecureToken: true });
      if (reply.idToken) return { person: startSession(apiKey, reply.email ?? email, reply) };
      // A code by text message needs reCAPTCHA, whose scripts the content security policy refuses.
      const app = (reply.mfaInfo ?? []).find((factor) => "totpInfo" in factor);
      if (!app) throw new ApiError(401, "SECOND_FACTOR", labels.signIn.factorNotSupported);
      return { secondFactor: { email, credential: reply.mfaPendingCredential, enrollmentId: app.mfaEnrollmentId } };
    },

    /** Finish a sign-in with the code of an authenticator app. */
    async finishSecondFactor({ email, credential, enrollmentId }, code) {
      const reply = await postJson(SECOND_FACTOR, apiKey, {
        mfaPendingCredential: credential,
        mfaEnrollmentId: enrollmentId,
        totpVerificationInfo: { verificationCode: code },
      });
      return startSession(apiKey, email, { ...reply, expiresIn: reply.expiresIn ?? 3600 });
    },

    resetPassword: (email) => sendPasswordEmail(apiKey, email),
  };
}

/** Have Firebase send the email that sets a new password. An unknown address is not reported. */
async function sendPasswordEmail(apiKey, email) {
  try {
    await postJson(SEND_EMAIL, apiKey, { requestType: "PASSWORD_RESET", email });
  } catch (error) {
    if (error.code !== "EMAIL_NOT_FOUND") throw error;
  }
}

function startSession(apiKey, name, { idToken, refreshToken, expiresIn }) {
  const session = buildSession(name, idToken, refreshToken, expiresIn);
  saveSession(session);
  return createPerson(apiKey, session);
}

function createPerson(apiKey, session) {
  let current = session;
  let renewal = null;

  async function renew() {
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: current.refreshToken });
    const reply = await post(RENEW, apiKey, "application/x-www-form-urlencoded", form.toString());
    current = buildSession(current.name, reply.id_token, reply.refresh_token, reply.expires_in);
    saveSession(current);
  }

  return {
    name: session.name,
    async getToken(force) {
      if (force || Date.now() > current.expiresAt - RENEW_BEFORE_EXPIRY_MS) {
        // Calls that start together share one renewal.
        renewal ??= renew().catch(signOutIfExpired).finally(() => { renewal = null; });
        await renewal;
      }
      return current.token;
    },
    /** Invite the owner of a new account, who must set a password. */
    invite: (email) => sendPasswordEmail(apiKey, email),
    signOut,
  };
}

function buildSession(name, token, refreshToken, expiresInSeconds) {
  return { name, token, refreshToken, expiresAt: Date.now() + Number(expiresInSeconds) * 1000 };
}

function postJson(url, apiKey, body) {
  return post(url, apiKey, "application/json", JSON.stringify(body));
}

async function post(url, apiKey, contentType, body) {
  const options = { method: "POST", headers: { "Content-Type": contentType }, body };
  const response = await fetchWithTimeout(`${url}?key=${encodeURIComponent(apiKey)}`, options);
  const reply = await response.json().catch(() => ({}));
  if (response.ok) return reply;
  const code = String(reply.error?.message ?? "").split(" ")[0];
  const message = WRONG_CREDENTIALS.has(code) ? labels.signIn.wrongPassword : MESSAGES[code] ?? labels.signIn.unavailable;
  throw new ApiError(response.status, code, message);
}

function signOutIfExpired(error) {
  // Firebase answers 400 to an expired session; other errors can be temporary.
  if (error.status === 400) signOut(labels.signIn.sessionEnded);
  throw error;
}

function signOut(reason) {
  localStorage.removeItem(SESSION_KEY);
  restartSignedOut(reason);
}

function saveSession({ name, refreshToken }) {
  localStorage.setItem(SESSION_KEY, JSON.stringify({ name, refreshToken }));
}

function readSession() {
  try {
    return JSON.parse(localStorage.getItem(SESSION_KEY));
  } catch {
    return null;
  }
}
