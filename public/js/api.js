/** The staff API as the page calls it. */

const PATIENCE_MS = 20_000;

/** A call that was not done; the message says in words what to do. */
export class Refused extends Error {
  /**
   * @param {number} status The HTTP status, 0 where no answer came.
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Calls about one restaurant, as one person. */
export class Api {
  /**
   * @param {string} restaurantId
   * @param {{token: (again: boolean) => Promise<string>}} person
   */
  constructor(restaurantId, person) {
    this.restaurantId = restaurantId;
    this.person = person;
    /** Is told of a refusal after which nothing may stay in sight: signed out, or off the staff. */
    this.shut = () => {};
  }

  /** Read; the body. */
  async get(path) {
    return (await this.call("GET", path)).json();
  }

  /** Read what may be unchanged: the body and its tag, null where it is as the tag says. */
  async getChanged(path, etag) {
    const answer = await this.call("GET", path, undefined, etag ? { "If-None-Match": etag } : {});
    if (answer.status === 304) return null;
    return { etag: answer.headers.get("ETag"), body: await answer.json() };
  }

  /** Do something; what came of it. */
  async post(path, body = {}, headers = {}) {
    return (await this.call("POST", path, body, headers)).json();
  }

  /** Change something; how it is now. */
  async put(path, body) {
    return (await this.call("PUT", path, body)).json();
  }

  /** Call, with a new token where the one at hand is not taken. */
  async call(method, path, body, headers = {}) {
    const first = await this.send(method, path, body, headers, false);
    const answer = first.status === 401 ? await this.send(method, path, body, headers, true) : first;
    if (answer.ok || answer.status === 304) return answer;
    const refused = await refusalOf(answer);
    if (refused.status === 401 || refused.code === "FORBIDDEN") this.shut(refused);
    throw refused;
  }

  async send(method, path, body, headers, again) {
    const url = `/api/restaurants/${encodeURIComponent(this.restaurantId)}/${path}`;
    const token = await this.person.token(again);
    const told = body === undefined ? {} : { "Content-Type": "application/json" };
    return reached(url, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...told, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }
}

/** Fetch past every cache, within a deadline. */
export async function reached(url, options = {}) {
  try {
    return await fetch(url, {
      cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), ...options,
    });
  } catch {
    throw new Refused(0, "NO_CONNECTION", "No connection. Check the network; the page tries again by itself.");
  }
}

async function refusalOf(answer) {
  const body = await answer.json().catch(() => ({}));
  const { code = "UNAVAILABLE", message = "This cannot be done just now; try again." } = body.error ?? {};
  return new Refused(answer.status, code, message);
}
