/** The integration with OpenTable, for managers. */

import { el, fill, note } from "../legacy/elements.js";
import { backfill } from "./backfill.js";
import { connection } from "./connection.js";
import { credentials } from "./credentials.js";
import { operators } from "./operators.js";
import { pausing } from "./pausing.js";
import { rotation } from "./rotation.js";
import { settings } from "./settings.js";

/** Open the integration's screen. */
export function openIntegration(house) {
  const content = el("div", { class: "stack" }, el("p", { class: "muted" }, "Reading …"));
  const filling = backfill(house);
  const draw = (integration) => fill(content, ...parts(house, integration, draw));
  house.api.get("integration").then(draw, (refused) => fill(content, note("bad", refused.message)));
  return {
    node: el("div", { class: "office" }, el("h1", {}, "Integration"), content, filling.node),
    close: filling.close,
  };
}

function parts(house, integration, draw) {
  // Every change takes the same way: what is said, what is answered, and the screen anew.
  async function change(said, told) {
    draw(await house.api.put("integration", said));
    // What was pressed has been drawn anew and is gone.
    house.main.focus();
    house.say(told);
    house.trust.now();
  }
  return [
    ...integration.problems.map((problem) => note("bad", problem)),
    pausing(integration, change),
    connection(house),
    settings(integration, change),
    credentials(integration, change),
    rotation(house, integration, change),
    house.isOperator ? operators(integration, change) : null,
  ];
}
