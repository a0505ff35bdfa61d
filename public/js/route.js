/** Where on the page somebody is: `#/{restaurantId}/{screen}/{item}`. */

/** Read a place out of a hash; what it does not say is empty. */
export function placeIn(hash) {
  const [, restaurantId = "", screen = "", item = ""] = hash.split("/").map(decoded);
  return { restaurantId, screen, item };
}

/** The hash of a place. */
export function hashOf(restaurantId, screen, item = "") {
  const parts = [restaurantId, screen, item].filter((part) => part !== "");
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
