/** Keyboard shortcuts of the reservations. */

const TEXT_FIELDS = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";

/** Run the action of a key; keys in text fields and in dialogs keep their usual meaning. */
export function handleShortcut(event, actions) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.matches?.(TEXT_FIELDS) || document.querySelector("dialog[open]")) return;
  const moves = {
    "/": actions.search,
    "?": actions.help,
    j: () => moveToRow(1),
    ArrowDown: () => moveToRow(1),
    k: () => moveToRow(-1),
    ArrowUp: () => moveToRow(-1),
    ArrowLeft: event.target.matches?.("input[type=radio]") ? undefined : actions.previousDay,
    ArrowRight: event.target.matches?.("input[type=radio]") ? undefined : actions.nextDay,
    t: actions.today,
    p: actions.print,
  };
  const run = moves[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!run || run() === false) return;
  event.preventDefault();
}

/** Focus the next or previous visible reservation; false if the arrow keys should scroll instead. */
function moveToRow(step) {
  const links = [...document.querySelectorAll(".rows tbody tr[data-id] .name a")].filter((link) => link.checkVisibility());
  const index = links.indexOf(document.activeElement);
  const next = index === -1 ? links[step > 0 ? 0 : links.length - 1] : links[index + step];
  if (!next) return false;
  next.focus();
  return true;
}
