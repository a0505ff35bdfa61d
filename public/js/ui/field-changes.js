/** Changes of a reservation's fields in words. */

import { labels, openTableStatusText, statusText } from "./labels.js";

const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/;

/** The changes that staff can see, in the order of the labels. */
export function listVisibleChanges(changes) {
  return Object.keys(labels.fields)
    .filter((path) => path in changes && comparable(changes[path].from) !== comparable(changes[path].to))
    .map((path) => [path, changes[path]]);
}

function comparable(value) {
  return value == null || value.length === 0 ? "null" : JSON.stringify(value);
}

/** A field's value as text. */
export function formatFieldValue(path, value, format) {
  if (value == null || value === "" || value.length === 0) return labels.nothing;
  if (path === "status") return statusText(value);
  if (path === "source.state") return openTableStatusText(value);
  if (typeof value === "string" && INSTANT.test(value)) return format.moment(value);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
