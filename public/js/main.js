/** The page's beginning: who is there, where they want to be, and the screen for it. */

import { Api } from "./api.js";
import { leaveLatenessOut } from "./book/lateness.js";
import { el, fill, note } from "./elements.js";
import { House } from "./house.js";
import { placeIn, hashOf } from "./route.js";
import { findDoor } from "./sign-in/door.js";
import { askToSignIn } from "./sign-in/screen.js";

const app = document.getElementById("app");
const PAUSE_MS = 3_000;
// Where somebody was last, for an address that names no restaurant.
const LAST = "staff.restaurant";

async function begin() {
  const door = await patiently(findDoor);
  if (door.simulatedClock) leaveLatenessOut();
  const named = placeIn(location.hash).restaurantId || door.restaurantId;
  const last = localStorage.getItem(LAST);
  const person = await door.resume();
  const restaurantId = named || last;
  const visitor = person && restaurantId ? { person, restaurantId } : await askToSignIn(app, door, named, last);
  await enter(visitor.person, visitor.restaurantId);
}

async function enter(person, restaurantId) {
  const house = new House(app, new Api(restaurantId, person), person);
  await patiently(() => house.open());
  localStorage.setItem(LAST, restaurantId);
  const place = placeIn(location.hash);
  if (place.restaurantId !== restaurantId) location.replace(hashOf(restaurantId, "book"));
  addEventListener("hashchange", () => arrive(house));
  arrive(house);
}

function arrive(house) {
  const place = placeIn(location.hash);
  // Another restaurant is another visit, with its own membership and role.
  if (place.restaurantId !== house.api.restaurantId) location.reload();
  else house.show(place.screen, place.item);
}

/** Do what needs the server; while that is away, say so and try again. */
async function patiently(task) {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (error.status !== 0 && !(error.status >= 500)) throw error;
      tell(error);
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }
}

function tell(error) {
  fill(app, el("main", { id: "main", class: "refused" }, el("h1", {}, "The book"), note("bad", error.message)));
}

// Whoever was shut out has been told already.
begin().catch((error) => app.querySelector("main.refused") ?? tell(error));
