/** The patterns as a file. */

import { button, el, fill, note } from "../legacy/elements.js";

const KEPT_MS = 60_000; // some browsers read it only after the click

/**
 * A button that has the days which are shown downloaded as CSV.
 * @param {() => URLSearchParams} query Tells which days.
 */
export function downloading(house, query) {
  const problem = el("div", { role: "alert" });
  const ask = button("Download CSV", async () => {
    fill(problem);
    ask.disabled = true;
    try {
      await download(house, query());
    } catch (refused) {
      fill(problem, note("bad", refused.message));
    }
    ask.disabled = false;
  });
  return el("div", {}, ask, problem);
}

async function download(house, query) {
  query.set("format", "csv");
  const answer = await house.api.call("GET", `analytics?${query}`);
  const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition")) ?? [];
  const address = URL.createObjectURL(await answer.blob());
  el("a", { href: address, download: name ?? "patterns.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  house.say("The file is in your downloads.");
}
