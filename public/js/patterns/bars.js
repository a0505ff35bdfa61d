/** Bar charts in the page's colours, by Chart.js, which is fetched with the first of them. */

import { el } from "../legacy/elements.js";
import { number, percent } from "./sources.js";


const LIBRARY = "../../vendor/chart.js-4.6.1/chart.umd.min.js";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const AXIS = new Intl.NumberFormat("en-GB");
const SHARE_AXIS = new Intl.NumberFormat("en-GB", { style: "percent", maximumFractionDigits: 1 });
const COLOURS = { OPENTABLE: "--chart-open-table", LINEUP: "--chart-lineup", cancelled: "--chart-cancelled", missed: "--chart-missed" };

/**
 * What a bar chart shows.
 * @typedef {{name: string, unit: string, labels: string[], isAcross?: boolean, isShare?: boolean,
 *   isStacked?: boolean, sets: Array<{key: string, text: string, values: number[]}>}} Chart
 */

/** The charts of a screen. */
export class Bars {
  constructor() {
    this.charts = [];
    this.recolour = () => this.charts.forEach((each) => this.paint(each));
    DARK.addEventListener("change", this.recolour);
  }

  /** A chart, painted once the library is there; its table says the same in words. */
  add(told) {
    const canvas = el("canvas", { role: "img", "aria-label": `Bar chart: ${told.name}. The table says the same.` });
    const holder = el("div", { class: told.isAcross ? "plot across" : "plot" }, canvas);
    holder.style.setProperty("--bars", String(told.labels.length));
    const each = { told, canvas };
    this.charts.push(each);
    this.paint(each).catch(() => holder.replaceChildren("The chart could not be loaded; the table says the same."));
    return holder;
  }

  /** Let go of the charts, and of this. */
  close() {
    this.forget();
    DARK.removeEventListener("change", this.recolour);
  }

  /** Let go of the charts that are shown. */
  forget() {
    this.charts.forEach(({ chart }) => chart?.destroy());
    this.charts = [];
  }

  async paint(each) {
    await import(LIBRARY);
    if (!this.charts.includes(each)) return;
    each.chart?.destroy();
    each.chart = new globalThis.Chart(each.canvas, configured(each.told));
  }
}

function configured(told) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const [ink, line, paper] = ["--muted", "--line", "--paper"].map(colour);
  const values = { ...valueAxis(told), stacked: told.isStacked, grid: { color: line }, border: { display: false } };
  const groups = { stacked: told.isStacked, grid: { display: false }, border: { color: line }, ticks: { color: ink, autoSkip: !told.isAcross, maxRotation: 0 } };
  values.ticks = { ...values.ticks, color: ink, maxTicksLimit: 6 };
  values.title = { display: true, text: told.unit, color: ink };
  return {
    type: "bar",
    data: {
      labels: told.labels,
      datasets: told.sets.map(({ key, text, values: data }) => ({
        label: text, data, backgroundColor: colour(COLOURS[key]), borderColor: paper, borderWidth: told.isStacked ? 1 : 0, maxBarThickness: 44,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: told.isAcross ? "y" : "x",
      font: { family: getComputedStyle(document.body).fontFamily },
      interaction: { mode: "index", axis: told.isAcross ? "y" : "x", intersect: false },
      scales: told.isAcross ? { x: values, y: groups } : { x: groups, y: values },
      plugins: { legend: { display: false }, tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${written(told, item.raw)}` } } },
    },
  };
}

function valueAxis(told) {
  return { beginAtZero: true, ticks: { precision: told.isShare ? undefined : 0, callback: (value) => (told.isShare ? SHARE_AXIS : AXIS).format(value) } };
}

function written({ isShare }, value) {
  return isShare ? percent(value) : number(value);
}
