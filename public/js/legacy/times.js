/** Times and dates in words; the restaurant's zone is always named by the caller. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago an instant was, e.g. "3 minutes ago". */
export function ago(instant, now = Date.now()) {
  const passed = Math.max(0, now - Date.parse(instant));
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return counted(Math.floor(passed / MINUTE), "minute") + " ago";
  if (passed < 2 * DAY) return counted(Math.floor(passed / HOUR), "hour") + " ago";
  return counted(Math.floor(passed / DAY), "day") + " ago";
}

/** Whether an instant lies further back than so many minutes. */
export function isOlder(instant, minutes, now = Date.now()) {
  return now - Date.parse(instant) > minutes * MINUTE;
}

/** A count with its word, e.g. "1 hour", "2 hours". */
export function counted(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** So many seconds in words, e.g. "some 3 minutes". */
export function inMinutes(seconds) {
  return seconds < 60 ? "less than a minute" : `some ${counted(Math.round(seconds / 60), "minute")}`;
}

/** An instant on the restaurant's wall clock, e.g. "Sat 14 Mar, 19:15". */
export function moment(instant, zone) {
  const told = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, weekday: "short", day: "numeric", month: "short",
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(new Date(instant)).map((part) => [part.type, part.value]));
  return `${told.weekday} ${told.day} ${told.month}, ${told.hour}:${told.minute}`;
}

/** An instant on the restaurant's clock alone, e.g. "19:15". */
export function clock(instant, zone) {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(instant));
}

/** A local date in words, e.g. "Saturday 14 March". */
export function dayInWords(date) {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: "UTC", weekday: "long", day: "numeric", month: "long",
  }).format(new Date(`${date}T12:00:00Z`)).replace(",", "");
}

/** A span of local dates in words, e.g. "21 Nov – 22 Dec". */
export function daysInWords(first, last) {
  const short = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
  return [first, last].map((date) => short.format(new Date(`${date}T12:00:00Z`))).join(" – ");
}

/** The local date so many days away. */
export function daysFrom(date, days) {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}
