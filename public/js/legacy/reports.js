import { openReports } from "../reports/list.js";
import { openReport } from "../reports/report.js";
import { AdaptedScreen } from "./adapter.js";
import { html } from "../ui/view.js";

export function Screen({ session, path: [item] }) {
  return html`<${AdaptedScreen} key=${item} session=${session} item=${item} open=${item ? openReport : openReports} />`;
}
