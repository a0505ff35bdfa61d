/** Addresses of the page: `#/{restaurantId}/{screen}/{path}`. */

/**
 * Parse a location hash.
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
