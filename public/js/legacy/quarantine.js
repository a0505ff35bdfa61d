import { openQuarantineItem } from "../quarantine/item.js";
import { openQuarantine } from "../quarantine/list.js";
import { AdaptedScreen } from "./adapter.js";
import { html } from "../ui/view.js";

export function Screen({ session, path: [item] }) {
  return html`<${AdaptedScreen} key=${item} session=${session} item=${item} open=${item ? openQuarantineItem : openQuarantine} />`;
}
