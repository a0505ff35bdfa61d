/** A figure: heading, summary, chart, and the numbers as a table. */

import { useNarrow } from "../ui/components.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useEffect, useRef, useState } from "../ui/view.js";
import { BarChart } from "./chart.js";

const words = managerLabels.analytics;

/**
 * @param {{title: string, summary: string, chart: import("./chart.js").Chart, columns: string[],
 *   rows: string[][]}} props The first cell names its row. A chart of several series has a legend.
 */
export function Figure({ format, title, summary, chart, columns, rows }) {
  const isNarrow = useNarrow();
  const region = useRef(null);
  const isScrolling = useScrolling(region);
  return html`
    <section class="figure">
      <h2>${title}</h2>
      <p class="says">${summary}</p>
      <div class="plotted">
        ${chart.series.length > 1 && html`<${Legend} series=${chart.series} />`}
        <${BarChart} format=${format} chart=${chart} />
      </div>
      <details class="folded numbers" open=${!isNarrow}>
        <summary>${words.numbers}${isScrolling && html`<span class="muted"> · ${words.scroll(rows.length)}</span>`}</summary>
        <div class="scroll" tabindex="0" role="region" aria-label=${title} ref=${region}>
          <table>
            <caption class="visually-hidden">${title}</caption>
            <thead><tr>${columns.map((text) => html`<th scope="col" key=${text}>${text}</th>`)}</tr></thead>
            <tbody>
              ${rows.map(([first, ...rest]) => html`
                <tr key=${first}><th scope="row">${first}</th>${rest.map((text) => html`<td>${text}</td>`)}</tr>`)}
            </tbody>
          </table>
        </div>
      </details>
    </section>`;
}

function Legend({ series }) {
  return html`
    <ul class="legend">
      ${series.map(({ key, text }) => html`<li key=${key}><span class="swatch" data-key=${key} aria-hidden="true"></span>${text}</li>`)}
    </ul>`;
}

/** Whether an element has more content than its height shows. */
function useScrolling(element) {
  const [isScrolling, setScrolling] = useState(false);
  useEffect(() => {
    const container = element.current;
    const observer = new ResizeObserver(() => setScrolling(container.scrollHeight > container.clientHeight));
    observer.observe(container);
    // Rows can change while the container keeps its height.
    observer.observe(container.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return isScrolling;
}
