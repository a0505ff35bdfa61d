/** Bar charts in the page's colors by Chart.js, which is loaded with the first of them. */

import { useMediaQuery } from "../ui/components.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useEffect, useRef, useState } from "../ui/view.js";

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

/** A chart. Its table has the same numbers, so it is an image to screen readers. */
export function BarChart({ format, chart }) {
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
