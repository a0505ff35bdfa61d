/**
 * Service worker: the page opens without a network. It stores the page's files, never API responses.
 * The build and the local gateway replace the version and the list of files.
 */

const VERSION = "development";
const FILES = [];
const CACHE = `page-${VERSION}`;
const CONFIGURATION = "/__/firebase/init.json";
const VERSIONED_FOLDER = "/v/";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(["/", CONFIGURATION, ...FILES])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(deleteOldCaches().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && pathname === "/") event.respondWith(fromCache(event.request));
  else if (pathname.startsWith(VERSIONED_FOLDER)) event.respondWith(fromAnyCache(event.request));
  else if (pathname === CONFIGURATION) event.respondWith(fromCacheThenUpdate(event));
});

async function fromCache(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match("/")) ?? fetch(request);
}

// An open page may be of the version before.
async function fromAnyCache(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function fromCacheThenUpdate(event) {
  const cache = await caches.open(CACHE);
  const update = fetch(event.request).then(async (response) => {
    if (response.ok) await cache.put(CONFIGURATION, response.clone());
    return response;
  });
  event.waitUntil(update.catch(() => {}));
  return (await cache.match(CONFIGURATION)) ?? update;
}

// The version before stays for pages that are still open.
async function deleteOldCaches() {
  const names = (await caches.keys()).filter((name) => name.startsWith("page-") && name !== CACHE);
  await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)));
}
