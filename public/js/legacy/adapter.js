/** Shows a screen that is not yet a component: it builds its own DOM nodes. */

import { html, useEffect, useRef } from "../ui/view.js";

const SCREENS = { book: ["reservations"], story: ["reservation"], report: ["reports"], kept: ["quarantine"], patterns: ["analytics"] };

/** `open(house, item)` returns `{node, move?, close?}`. */
export function AdaptedScreen({ session, item, open }) {
  const holder = useRef(null);
  const current = useRef(null);
  useEffect(() => {
    if (current.current?.move) {
      current.current.move(item);
      return;
    }
    current.current?.close?.();
    current.current = open(houseOf(session), item);
    holder.current.replaceChildren(current.current.node);
  }, [item]);
  useEffect(() => () => current.current?.close?.(), []);
  return html`<div ref=${holder}></div>`;
}

function houseOf(session) {
  const place = (screen, item = "") => [...(SCREENS[screen] ?? [screen]), item];
  return {
    api: session.api,
    zone: session.format.timeZone,
    isManager: session.isManager,
    isOperator: session.isOperator,
    main: { focus: session.focusMain },
    say: session.announce,
    trust: { now: session.refreshHealth },
    way: (screen, item) => session.linkTo(...place(screen, item)),
    go: (screen, item) => session.goTo(...place(screen, item)),
  };
}
