/** Where somebody says who they are. */

import { button, el, fill, note } from "../elements.js";
import { whyLeft } from "./leaving.js";

/**
 * Ask until somebody has signed in.
 * @param {HTMLElement} app
 * @param {object} door See `findDoor`.
 * @param {string|undefined} restaurantId The one that the address names.
 * @param {string|null} last The one that was shown last, offered where the address names none.
 * @returns {Promise<{person: object, restaurantId: string}>}
 */
export function askToSignIn(app, door, restaurantId, last) {
  document.title = "Sign in";
  return new Promise((resolve) => {
    const ways = door.demo ? demoWays(door, restaurantId, resolve) : passwordForm(door, restaurantId, last, resolve);
    const reason = whyLeft();
    fill(app, el("main", { id: "main", class: "sign-in" }, el("h1", {}, "The book"), reason && note("watch", reason), ways));
  });
}

function demoWays(door, restaurantId, resolve) {
  return el("div", { class: "stack" },
    el("p", {}, "A restaurant on this machine, with made-up guests. Come in as:"),
    door.demo.map(({ name, enter }) =>
      button(`The ${name}`, () => resolve({ person: enter(), restaurantId }), { class: "primary" })));
}

function passwordForm(door, restaurantId, last, resolve) {
  const problem = el("p", { class: "note bad", role: "alert", hidden: true });
  const submit = el("button", { class: "primary" }, "Sign in");
  const restaurant = restaurantId ? null : field("Restaurant", "restaurant", { autocomplete: "organization", value: last });

  async function signIn(event) {
    event.preventDefault();
    const said = new FormData(event.target);
    submit.disabled = true;
    try {
      const person = await door.password(said.get("email"), said.get("password"));
      resolve({ person, restaurantId: restaurantId || said.get("restaurant").trim() });
    } catch (refused) {
      problem.textContent = refused.message;
      problem.hidden = false;
      submit.disabled = false;
    }
  }

  return el("form", { class: "stack", submit: signIn }, restaurant,
    field("E-mail", "email", { type: "email", autocomplete: "username" }),
    field("Password", "password", { type: "password", autocomplete: "current-password" }),
    problem, submit);
}

function field(label, name, attributes) {
  return el("label", {}, label, el("input", { name, required: true, ...attributes }));
}
