/** The demo's staff, whom only a local run knows: its gateway makes their tokens. */

import { Refused, reached } from "../api.js";
import { startAnew } from "./leaving.js";

const STATUS = "/_local/status";
const TOKEN = "/_local/token";
const KEPT = "demo.role";
const ROLES = { host: "demo host", manager: "demo manager" };

/** The way in as one of the demo's staff. */
export async function localDoor() {
  const { restaurantId, simulatedClock } = await told(STATUS);
  return {
    restaurantId,
    simulatedClock,
    demo: Object.entries(ROLES).map(([role, name]) => ({ name, enter: () => entered(role) })),
    async resume() {
      const role = sessionStorage.getItem(KEPT);
      return role in ROLES ? personOf(role) : null;
    },
  };
}

function entered(role) {
  sessionStorage.setItem(KEPT, role);
  return personOf(role);
}

function personOf(role) {
  const others = Object.keys(ROLES).filter((other) => other !== role);
  return {
    name: ROLES[role],
    token: async () => (await told(`${TOKEN}?role=${role}`)).token,
    others: others.map((other) => ({ name: ROLES[other], become: () => become(other) })),
    leave(reason) {
      sessionStorage.removeItem(KEPT);
      startAnew(reason);
    },
  };
}

function become(role) {
  sessionStorage.setItem(KEPT, role);
  location.reload();
}

async function told(url) {
  const answer = await reached(url);
  if (answer.status >= 500) throw new Refused(answer.status, "UNAVAILABLE", "The page cannot be reached just now; it tries again by itself.");
  if (!answer.ok) throw new Refused(answer.status, "NO_WAY_IN", "This address has no sign-in: serve it by Firebase Hosting, or by `make run`.");
  return answer.json();
}
