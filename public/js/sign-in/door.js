/** Which way in there is: Firebase's in production, the demo's beside the emulator. */

import { reached } from "../api.js";
import { firebaseDoor } from "./firebase.js";
import { localDoor } from "./local.js";

// Firebase Hosting serves its project's web configuration here; nothing else does.
const CONFIGURATION = "/__/firebase/init.json";

/**
 * Find the way in.
 * @returns {Promise<object>} A door: `resume` somebody who was in, sign in by `password` or by
 *   `demo`, and the `restaurantId` to show where the address names none; whether guests come by a
 *   `simulatedClock`.
 */
export async function findDoor() {
  const answer = await reached(CONFIGURATION);
  return answer.ok ? firebaseDoor((await answer.json()).apiKey) : localDoor();
}
