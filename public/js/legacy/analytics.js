import { openPatterns } from "../patterns/screen.js";
import { AdaptedScreen } from "./adapter.js";
import { html } from "../ui/view.js";

export function Screen({ session, path: [item] }) {
  return html`<${AdaptedScreen} session=${session} item=${item} open=${openPatterns} />`;
}
