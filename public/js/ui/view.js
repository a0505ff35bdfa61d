/** The view library (Preact with htm templates), the addresses, and the hooks that all screens share. */

import { ApiError } from "../api-client.js";

// index.html loads both before any module.
const { h, render } = globalThis.preact;
const { useEffect, useLayoutEffect, useMemo, useRef, useState } = globalThis.preactHooks;

/** Build a virtual DOM tree: html`<p class=${name}>${text}</p>`. Text is never parsed as markup. */
export const html = globalThis.htm.bind(h);

export { render, useEffect, useLayoutEffect, useMemo, useRef, useState };

// The same width as in the style sheets.
const NARROW = matchMedia("(max-width: 48rem)");
const MAX_PAUSE_MS = 30_000;

/**
 * Parse a location hash: `#/{restaurantId}/{screen}/{path}`.
 * @param {string} hash
 * @returns {{restaurantId: string, screen: string, path: string[]}} Missing parts are empty.
 */
export function parseAddress(hash) {
  const [, restaurantId = "", screen = "", ...path] = hash.split("/").map(decode);
  return { restaurantId, screen, path: path.filter((part) => part !== "") };
}

/** Return the location hash of a place. */
export function formatAddress(restaurantId, screen = "", ...path) {
  const parts = [restaurantId, screen, ...path].filter((part) => part !== "" && part != null);
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** The parsed address of the page. */
export function useAddress() {
  const [address, setAddress] = useState(() => parseAddress(location.hash));
  useEffect(() => {
    const read = () => setAddress(parseAddress(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return address;
}

/**
 * Load data for a component.
 * @param {() => Promise<T>} load
 * @param {unknown[]} dependencies Loads again when they change.
 * @returns {{data: T|null, error: ApiError|null, reload: () => Promise<void>, setData: (data: T) => void}}
 * @template T
 */
export function useLoaded(load, dependencies) {
  const [state, setState] = useState({ data: null, error: null });
  const newest = useRef(0);

  async function reload() {
    newest.current += 1;
    const request = newest.current;
    let result;
    try {
      result = { data: await load(), error: null };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      result = { data: null, error };
    }
    // A slower, older answer never replaces a newer one.
    if (request === newest.current) setState(result);
  }

  useEffect(() => {
    setState({ data: null, error: null });
    reload();
    return () => { newest.current += 1; };
  }, dependencies);
  return { ...state, reload, setData: (data) => setState({ data, error: null }) };
}

/**
 * Run what a person asks for.
 * @returns {{run: (action: () => Promise<void>) => Promise<void>, isBusy: boolean, error: string|null}}
 *   `error` is the message of the last action if its call failed.
 */
export function useAction() {
  const [state, setState] = useState({ isBusy: false, error: null });

  async function run(action) {
    setState({ isBusy: true, error: null });
    let error = null;
    try {
      await action();
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      error = problem.message;
    } finally {
      setState({ isBusy: false, error });
    }
  }

  return { ...state, run };
}

/**
 * Call `refresh` now and then repeatedly while a component is mounted: never while the page is
 * hidden, and less often after failures. Restarts when `dependencies` change.
 * @param {() => Promise<void>} refresh
 * @param {number} pauseMs Between the end of one call and the start of the next.
 * @param {unknown[]} dependencies
 * @returns {() => void} Requests a refresh at once.
 */
export function usePolling(refresh, pauseMs, dependencies) {
  // The newest closure, so that a refresh sees the current state.
  const newest = useRef(refresh);
  newest.current = refresh;
  const polling = useRef(null);
  useEffect(() => {
    polling.current = startPolling(() => newest.current(), pauseMs);
    return () => polling.current.stop();
  }, dependencies);
  return () => polling.current?.now();
}

function startPolling(refresh, pauseMs) {
  let timer;
  let failures = 0;
  let isRunning = false;
  let isRequested = false;
  let isStopped = false;

  async function run() {
    clearTimeout(timer);
    isRequested = isRunning;
    if (isRunning || isStopped || document.hidden) return;
    isRunning = true;
    try {
      await refresh();
      failures = 0;
    } catch (error) {
      failures += 1;
      // `refresh` shows failed calls itself; anything else is a bug.
      if (!(error instanceof ApiError)) reportError(error);
    }
    isRunning = false;
    if (isStopped) return;
    timer = setTimeout(run, isRequested ? 0 : Math.min(pauseMs * 2 ** failures, MAX_PAUSE_MS));
  }

  document.addEventListener("visibilitychange", run);
  addEventListener("online", run);
  run();
  return {
    now: run,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", run);
      removeEventListener("online", run);
    },
  };
}

/** Whether the window is as narrow as a phone. */
export function useNarrow() {
  return useMediaQuery(NARROW);
}

/** Whether a media query matches, as `matchMedia` returns it. */
export function useMediaQuery(query) {
  const [isMatch, setMatch] = useState(query.matches);
  useEffect(() => {
    const update = () => setMatch(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, [query]);
  return isMatch;
}
