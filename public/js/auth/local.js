/** Sign-in of a local run: the local gateway issues the tokens of the demo staff. */

import { ApiError, fetchWithTimeout } from "../api-client.js";
import { labels } from "../ui/labels.js";
import { restartSignedOut } from "./sign-in.js";

const TOKEN_PATH = "/_local/token";
const ROLE_KEY = "demo.role";
const ROLES = ["host", "manager"];
const TOKEN_REUSE_MS = 30 * 60_000; // the tokens are valid for an hour

/**
 * Return the provider for the demo staff.
 * @param {{restaurantId: string, simulatedClock: boolean}} configuration
 */
export function createLocalProvider({ restaurantId, simulatedClock }) {
  return {
    restaurantId,
    simulatedClock,
    demoPersons: ROLES.map((role) => ({ role, enter: () => enterAs(role) })),
    async resume() {
      const role = sessionStorage.getItem(ROLE_KEY);
      return ROLES.includes(role) ? createPerson(role) : null;
    },
  };
}

function enterAs(role) {
  sessionStorage.setItem(ROLE_KEY, role);
  return createPerson(role);
}

function createPerson(role) {
  const others = ROLES.filter((other) => other !== role);
  let token = null;
  let fetchedAt = 0;
  return {
    name: labels.signIn.demoName(role),
    async getToken(force) {
      if (force || Date.now() - fetchedAt > TOKEN_REUSE_MS) {
        token = await fetchToken(role);
        fetchedAt = Date.now();
      }
      return token;
    },
    others: others.map((other) => ({ role: other, become: () => become(other) })),
    signOut(reason) {
      sessionStorage.removeItem(ROLE_KEY);
      restartSignedOut(reason);
    },
  };
}

function become(role) {
  sessionStorage.setItem(ROLE_KEY, role);
  location.reload();
}

async function fetchToken(role) {
  const response = await fetchWithTimeout(`${TOKEN_PATH}?role=${role}`);
  if (!response.ok) throw new ApiError(response.status, "UNAVAILABLE", labels.errors.unavailable);
  return (await response.json()).token;
}
