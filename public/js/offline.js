/**
 * Offline use: the service worker keeps the page, and this module the newest lists of a restaurant.
 * They are removed at sign-out, when access is lost, and after 12 hours.
 */

const STORED_LISTS_KEY = "staff.lists";
const MAX_AGE_MS = 12 * 3_600_000;
const MAX_DAYS = 3;
const SWEEP_MS = 60 * 60_000;
const SERVICE_WORKER = "/sw.js";
const START_MS = 10_000;

/** Store the list of a day with the person's role, as the server sent them. */
export function storeDay(restaurantId, me, day) {
  const others = readStoredLists(restaurantId)?.days.filter((stored) => stored.day.date !== day.date) ?? [];
  const days = [{ day, savedAt: Date.now() }, ...others].slice(0, MAX_DAYS);
  try {
    localStorage.setItem(STORED_LISTS_KEY, JSON.stringify({ restaurantId, me, days }));
  } catch {
    clearStoredLists(); // The storage is full: no list is better than an old one.
  }
}

/**
 * Return the stored lists of a restaurant, the newest first.
 * @returns {{me: object, days: Array<{day: object, savedAt: number}>}|null}
 */
export function readStoredLists(restaurantId) {
  const stored = removeExpired(parseStored());
  return stored?.restaurantId === restaurantId ? stored : null;
}

/** Remove the stored lists. */
export function clearStoredLists() {
  localStorage.removeItem(STORED_LISTS_KEY);
}

/** Register the service worker, and reload for a new version when nobody is using the page. */
export function registerServiceWorker() {
  const sweep = setInterval(() => removeExpired(parseStored()), SWEEP_MS);
  removeExpired(parseStored());
  const { serviceWorker } = navigator;
  const startedAt = Date.now();
  const wasControlled = Boolean(serviceWorker?.controller);

  function reloadWhenIdle() {
    if (!wasControlled) return;
    if (Date.now() - startedAt < START_MS || document.hidden) location.reload();
    else document.addEventListener("visibilitychange", () => document.hidden && location.reload(), { once: true });
  }

  // Trusted Types: the policy accepts one constant address.
  const policy = globalThis.trustedTypes?.createPolicy("service-worker", { createScriptURL: () => SERVICE_WORKER });
  serviceWorker?.register(policy ? policy.createScriptURL("") : SERVICE_WORKER).catch(() => {}); // The page works without it.
  serviceWorker?.addEventListener("controllerchange", reloadWhenIdle);
  return () => {
    clearInterval(sweep);
    serviceWorker?.removeEventListener("controllerchange", reloadWhenIdle);
  };
}

function parseStored() {
  try {
    return JSON.parse(localStorage.getItem(STORED_LISTS_KEY));
  } catch {
    return null;
  }
}

function removeExpired(stored) {
  if (!stored) return null;
  const days = stored.days.filter(({ savedAt }) => Date.now() - savedAt <= MAX_AGE_MS);
  if (days.length === stored.days.length) return stored;
  if (!days.length) {
    clearStoredLists();
    return null;
  }
  const current = { ...stored, days };
  localStorage.setItem(STORED_LISTS_KEY, JSON.stringify(current));
  return current;
}
