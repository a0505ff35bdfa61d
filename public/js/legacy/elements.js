/** Building elements; text is always text, so nothing that a guest writes becomes markup. */

/**
 * Build an element.
 * @param {string} tag
 * @param {Object<string, unknown>} [attributes] A function listens to the event of its name;
 *   true is an empty attribute; false, null and undefined are left out.
 * @param {...(Node|string|null|undefined|false|Array)} children Those that are nothing are left out.
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...there(children));
  return node;
}

/** Put children, those that are nothing left out, in place of all that an element holds. */
export function fill(node, ...children) {
  node.replaceChildren(...there(children));
  return node;
}

/** Text that is heard and not seen. */
export function spoken(text) {
  return el("span", { class: "visually-hidden" }, text);
}

/** A button that does something here, as against a link, which leads somewhere. */
export function button(text, click, attributes = {}) {
  return el("button", { type: "button", click, ...attributes }, text);
}

/**
 * A list of facts.
 * @param {Array<[string, Node|string|null|undefined]>} facts Those without a value are left out.
 */
export function factList(facts) {
  const told = facts.filter(([, value]) => value != null && value !== "");
  return el("dl", { class: "facts" }, told.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** A sentence that says how something ended: "good", "watch" or "bad". */
export function note(level, ...children) {
  return el("p", { class: `note ${level}` }, ...children);
}

function there(children) {
  return children.flat(3).filter((child) => child !== false && child != null);
}
