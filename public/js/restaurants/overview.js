/** The restaurants of a person: one row each, the worst first. */

import { ApiClient } from "../api-client.js";
import { ErrorAlert, LoadingOrError, Note, Table, VisuallyHidden } from "../ui/components.js";
import { timeAgo } from "../ui/format.js";
import { labels, splitName } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { formatAddress, html, useEffect, useState } from "../ui/view.js";

const words = managerLabels.restaurants;
const PAGE_SIZE = 200;
const REFRESH_MS = 120_000;
// More belong to operators, who have the command line.
const MAX_RESTAURANTS = 1_000;
// A shorter list is seen at a glance.
const MIN_RESTAURANTS_TO_FILTER = 10;
// The worst first.
const STATUSES = ["ERROR", "REVIEW", "WARNING", "PAUSED", "OK"];
const LEVELS = { ERROR: "bad", REVIEW: "watch", WARNING: "watch", PAUSED: "watch", OK: "good" };

/**
 * List all restaurants of a person, in as many calls as it takes.
 * @param {object} person
 * @param {boolean} withCounts Also open reviews and today's covers; costs reads.
 */
export async function listRestaurants(person, withCounts) {
  const api = new ApiClient("", person);
  const restaurants = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: PAGE_SIZE, ...(withCounts && { include: "counts" }), ...(cursor && { cursor }) });
    const page = await api.get(`/api/restaurants?${query}`);
    restaurants.push(...page.restaurants);
    cursor = page.nextCursor;
  } while (cursor && restaurants.length < MAX_RESTAURANTS);
  return restaurants;
}

/** The overview. `restaurants` is null before the first answer, and has no counts before the second. */
export function Overview({ restaurants, error, reload }) {
  const [filter, setFilter] = useState("");
  const [onlyTroubled, setOnlyTroubled] = useState(false);
  useEffect(() => {
    document.title = `${words.title} · ${labels.product}`;
    const timer = setInterval(() => !document.hidden && reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (!restaurants) return html`<h1>${words.title}</h1><${LoadingOrError} error=${error} />`;
  if (!restaurants.length) return html`<h1>${words.title}</h1><${Note} level="bad">${labels.shell.noRestaurant}<//>`;

  const troubled = restaurants.filter((restaurant) => statusOf(restaurant) !== "OK");
  const shown = (onlyTroubled ? troubled : restaurants).filter((restaurant) => matches(restaurant, filter)).sort(byUrgency);
  return html`
    <div class="office">
      <h1>${words.title}</h1>
      <${ErrorAlert} error=${error?.message} />
      <p role="status">${words.summary(restaurants.length, troubled.length)}</p>
      ${restaurants.length >= MIN_RESTAURANTS_TO_FILTER && html`
        <div class="row">
          <label>${words.filter}<input type="search" value=${filter} onInput=${(event) => setFilter(event.target.value)} /></label>
          <label class="check"><input type="checkbox" checked=${onlyTroubled} onChange=${(event) => setOnlyTroubled(event.target.checked)} /> ${words.onlyTroubled}</label>
        </div>`}
      ${shown.length
        ? html`<${Table} caption=${words.title} columns=${words.columns} rows=${shown.map(buildRow)} />`
        : html`<p class="empty">${words.noMatch}</p>`}
    </div>`;
}

function buildRow(restaurant) {
  const { id, name, health, counts } = restaurant;
  const status = statusOf(restaurant);
  return {
    key: id,
    cells: [
      html`<a href=${formatAddress(id, "reservations")}>${name ?? id}</a>`,
      html`<span class="result ${LEVELS[status]}">${words.statuses[status]}</span>
        <${Reasons} texts=${listReasons(restaurant)} />`,
      health?.lastPolledAt ? timeAgo(health.lastPolledAt) : labels.unknown,
      countReviews(restaurant) ?? labels.unknown,
      counts?.coversToday ?? labels.unknown,
    ],
  };
}

function Reasons({ texts }) {
  if (!texts.length) return null;
  return html` <${VisuallyHidden}>: <//><span class="muted">${texts.join("; ")}</span>`;
}

/** The causes of a restaurant's status, with the number of what waits for a person. */
function listReasons({ health, counts }) {
  const numbered = {
    divergences_open: () => labels.health.needReview(health.divergences),
    quarantine_open: () => labels.health.failedUpdates(counts.openQuarantine),
  };
  return (health?.reasons ?? []).map((reason) => numbered[reason]?.() ?? words.reasons[reason] ?? splitName(reason));
}

/** Reservations that need review and updates that failed; null if both are unknown. */
function countReviews({ health, counts }) {
  if (health?.divergences == null && !counts) return null;
  return (health?.divergences ?? 0) + (counts?.openQuarantine ?? 0);
}

function statusOf({ health }) {
  return health?.status ?? "PAUSED";
}

function byUrgency(one, other) {
  return STATUSES.indexOf(statusOf(one)) - STATUSES.indexOf(statusOf(other)) || nameOf(one).localeCompare(nameOf(other));
}

function matches(restaurant, filter) {
  const text = filter.trim().toLowerCase();
  return !text || nameOf(restaurant).toLowerCase().includes(text) || restaurant.id.toLowerCase().includes(text);
}

function nameOf({ id, name }) {
  return name ?? id;
}
