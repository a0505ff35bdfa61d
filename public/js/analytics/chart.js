/** A figure with its bar chart, drawn by Chart.js, which is loaded with the first of them. */

import { managerLabels } from "../ui/labels-managers.js";
import { html, useEffect, useMediaQuery, useNarrow, useRef, useState } from "../ui/view.js";

const words = managerLabels.analytics;
const LIBRARY = "../../vendor/chart.js-4.6.1/chart.umd.min.js";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const COLORS = { OPENTABLE: "--chart-open-table", LINEUP: "--chart-lineup", cancelled: "--chart-cancelled", noShows: "--chart-no-shows" };
const MAX_BAR_PX = 44;
const MAX_TICKS = 6;

/**
 * A bar chart; a value of null is a gap.
 * @typedef {{name: string, unit: string, labels: string[], isHorizontal?: boolean, isRatio?: boolean,
 *   isStacked?: boolean, series: Array<{key: string, text: string, values: Array<number|null>}>}} Chart
 */

/**
 * A figure: heading, summary, chart, and the numbers as a table.
 * @param {{title: string, summary: string, chart: Chart, columns: string[],
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

/** A chart. Its table has the same numbers, so it is an image to screen readers. */
function BarChart({ format, chart }) {
  const isDark = useMediaQuery(DARK);
  const canvas = useRef(null);
  const [isFailed, setFailed] = useState(false);
  useEffect(() => {
    let drawn = null;
    let isRemoved = false;
    async function draw() {
      try {
        await import(LIBRARY);
      } catch {
        setFailed(true);
        return;
      }
      if (!isRemoved) drawn = new globalThis.Chart(canvas.current, configure(chart, format));
    }
    draw();
    return () => {
      isRemoved = true;
      drawn?.destroy();
    };
  }, [chart, format, isDark]);
  return html`
    <div class=${chart.isHorizontal ? "plot across" : "plot"} style=${{ "--bars": String(chart.labels.length) }}>
      ${isFailed ? words.chartFailed : html`<canvas role="img" aria-label=${words.chart(chart.name)} ref=${canvas}></canvas>`}
    </div>`;
}

function configure(chart, format) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const [ink, line, paper] = ["--muted", "--line", "--paper"].map(color);
  const formatValue = chart.isRatio ? format.percent : format.number;
  const values = {
    beginAtZero: true,
    stacked: chart.isStacked,
    grid: { color: line },
    border: { display: false },
    // Counts have whole ticks.
    ticks: { callback: formatValue, color: ink, maxTicksLimit: MAX_TICKS, precision: chart.isRatio ? undefined : 0 },
    title: { display: true, text: chart.unit, color: ink },
  };
  const groups = {
    stacked: chart.isStacked,
    grid: { display: false },
    border: { color: line },
    ticks: { color: ink, autoSkip: !chart.isHorizontal, maxRotation: 0 },
  };
  const axis = chart.isHorizontal ? "y" : "x";
  return {
    type: "bar",
    data: {
      labels: chart.labels,
      datasets: chart.series.map(({ key, text, values: data }) => ({
        label: text, data, backgroundColor: color(COLORS[key]), borderColor: paper, borderWidth: chart.isStacked ? 1 : 0, maxBarThickness: MAX_BAR_PX,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: axis,
      font: { family: getComputedStyle(document.body).fontFamily },
      interaction: { mode: "index", axis, intersect: false },
      scales: chart.isHorizontal ? { x: values, y: groups } : { x: groups, y: values },
      plugins: {
        legend: { display: false },
        tooltip: { callbacks: { label: ({ dataset, raw }) => `${dataset.label}: ${formatValue(raw)}` } },
      },
    },
  };
}
