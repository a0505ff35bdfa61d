/** Client of the staff API. */

import { labels } from "./ui/labels.js";

const TIMEOUT_MS = 20_000;

/** A failed call. `message` says in plain words what to do. */
export class ApiError extends Error {
  /**
   * @param {number} status The HTTP status, 0 without a response.
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the same call can succeed later: no connection, or a temporary problem of the server. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Calls the API for one person. Relative paths belong to the restaurant; "/api/…" is absolute. */
export class ApiClient {
  /**
   * @param {string} restaurantId
   * @param {{getToken: (renew: boolean) => Promise<string>}} person
   */
  constructor(restaurantId, person) {
    this.restaurantId = restaurantId;
    this.person = person;
    /** Called when the person may no longer see the restaurant: signed out, or no role. */
    this.onAccessLost = () => {};
  }

  /** GET; returns the body. */
  async get(path) {
    return (await this.call("GET", path)).json();
  }

  /** GET with an ETag; returns `{etag, body}`, or null if the resource is unchanged. */
  async getIfChanged(path, etag) {
    const response = await this.call("GET", path, undefined, etag ? { "If-None-Match": etag } : {});
    if (response.status === 304) return null;
    return { etag: response.headers.get("ETag"), body: await response.json() };
  }

  /** POST; returns the body. */
  async post(path, body = {}, headers = {}) {
    return readJson(await this.call("POST", path, body, headers));
  }

  /** PUT; returns the body. */
  async put(path, body, headers = {}) {
    return readJson(await this.call("PUT", path, body, headers));
  }

  /** DELETE; returns the body, null without one. */
  async delete(path) {
    return readJson(await this.call("DELETE", path));
  }

  /** Send a request. A rejected token is renewed once. */
  async call(method, path, body, headers = {}) {
    const first = await this.send(method, path, body, headers, false);
    const response = first.status === 401 ? await this.send(method, path, body, headers, true) : first;
    if (response.ok || response.status === 304) return response;
    const error = await readError(response);
    if (error.status === 401 || error.code === "FORBIDDEN") this.onAccessLost(error);
    throw error;
  }

  async send(method, path, body, headers, renew) {
    const token = await this.person.getToken(renew);
    const url = path.startsWith("/") ? path : `/api/restaurants/${encodeURIComponent(this.restaurantId)}/${path}`;
    const contentType = body === undefined ? {} : { "Content-Type": "application/json" };
    return fetchWithTimeout(url, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...contentType, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }
}

/** Fetch without the HTTP cache, with a deadline. */
export async function fetchWithTimeout(url, options = {}) {
  try {
    return await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch {
    throw new ApiError(0, "NO_CONNECTION", labels.errors.noConnection);
  }
}

/** Repeat a task while its error is temporary; `onError` gets each error. */
export async function retryUntilReachable(task, onError, pauseMs = 3_000) {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!error.isTemporary) throw error;
      onError(error);
      await new Promise((resolve) => { setTimeout(resolve, pauseMs); });
    }
  }
}

async function readJson(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

async function readError(response) {
  const body = await response.json().catch(() => ({}));
  const { code = "UNAVAILABLE", message = labels.errors.unavailable } = body.error ?? {};
  return new ApiError(response.status, code, message);
}
