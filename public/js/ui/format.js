/** Dates, times, numbers and changed fields, in the restaurant's zone and in the style of its country. */

import { count, labels, openTableStatusText, statusText } from "./labels.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/;
// Countries that write "November 28"; the others write "28 November".
const MONTH_FIRST_COUNTRIES = new Set(["US", "CA", "PH"]);

/**
 * Return the formatting functions of a restaurant.
 * @param {{timeZone?: string, locale?: string, hourCycle?: string, serviceDayEndsAt?: string}} settings
 *   As `GET me` returns them.
 */
export function createFormat({ timeZone, locale: chosenLocale, hourCycle, serviceDayEndsAt }) {
  const zone = timeZone ?? "UTC";
  const locale = chooseLocale(chosenLocale ?? "en-US");
  const hour12 = hourCycle ? hourCycle === "h12" : usesTwelveHours(chosenLocale ?? "en-US");
  const [endHours, endMinutes] = (serviceDayEndsAt ?? "00:00").split(":").map(Number);
  const dayEndMs = endHours * HOUR_MS + endMinutes * MINUTE_MS;
  const dateFormat = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  const timeStyle = { hour: "numeric", minute: "2-digit", hour12 };
  const inZone = (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
  const ofDate = (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  const timeFormat = inZone(hour12 ? timeStyle : { ...timeStyle, hour: "2-digit" });
  const wallFormat = ofDate(hour12 ? timeStyle : { ...timeStyle, hour: "2-digit" });
  const hourFormat = ofDate({ hour: "numeric", hour12: true });
  const long = { weekday: "long", month: "long", day: "numeric" };
  const short = { weekday: "short", month: "short", day: "numeric" };
  const month = { month: "short", day: "numeric" };
  const withYear = (style) => ({ ...style, year: "numeric" });
  const wholeFormat = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenthFormat = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const percentFormat = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const dates = new Map([long, short, month].map((style) => [style, [ofDate(style), ofDate(withYear(style))]]));

  const format = {
    timeZone: zone,

    /** The local date of an instant, e.g. "2026-11-28". */
    localDate: (instant) => dateFormat.format(new Date(instant)),

    /** The current service day; it ends some hours after midnight. */
    today: () => dateFormat.format(Date.now() - dayEndMs),

    /** An instant as a time of day: "7:06 PM" or "19:06". */
    time: (instant) => unbroken(timeFormat.format(new Date(instant))),

    /** A local time "19:15" as "7:15 PM" or "19:15". */
    wallTime: (text) => unbroken(wallFormat.format(new Date(`2000-01-01T${text}:00Z`))),

    /** An hour of the day: "7 PM" or "19:00". */
    hour: (hour) => (hour12
      ? unbroken(hourFormat.format(Date.UTC(2000, 0, 1, hour % 24)))
      : `${String(hour % 24).padStart(2, "0")}:00`),

    /** "Saturday, November 28". */
    day: (date) => formatDate(date, long),

    /** "Sat, Nov 28". */
    shortDay: (date) => formatDate(date, short),

    /** "Nov 28". */
    date: (date) => formatDate(date, month),

    /** "Nov 1 – Nov 28", and one day alone. */
    span: (first, last) => (first === last ? format.date(first) : `${format.date(first)} – ${format.date(last)}`),

    /** "Sat, Nov 28 – Sun, Nov 29", and one day alone. */
    daySpan: (first, last) => (first === last ? format.shortDay(first) : `${format.shortDay(first)} – ${format.shortDay(last)}`),

    /** An instant with its day: "Sat, Nov 28, 7:06 PM". */
    moment: (instant) => `${format.shortDay(format.localDate(instant))}, ${format.time(instant)}`,

    /** The time of an instant of today, else with its day. */
    timeOrMoment: (instant) => (format.localDate(instant) === format.localDate(Date.now()) ? format.time(instant) : format.moment(instant)),

    /** "1,240". */
    number: (value) => wholeFormat.format(value),

    /** An average: "3.2", and "54" from ten on. */
    average: (value) => (value < 10 ? tenthFormat : wholeFormat).format(value),

    /** A ratio as "9.8%". */
    percent: (ratio) => percentFormat.format(ratio),
  };

  function formatDate(date, style) {
    const isThisYear = date.slice(0, 4) === format.localDate(Date.now()).slice(0, 4);
    return dates.get(style)[isThisYear ? 0 : 1].format(new Date(`${date}T12:00:00Z`));
  }

  return format;
}

/** How long ago an instant was: "3 minutes ago". */
export function timeAgo(instant, now = Date.now()) {
  const elapsed = Math.max(0, now - Date.parse(instant));
  if (elapsed < MINUTE_MS) return "just now";
  if (elapsed < HOUR_MS) return `${count(Math.floor(elapsed / MINUTE_MS), "minute")} ago`;
  if (elapsed < 2 * DAY_MS) return `${count(Math.floor(elapsed / HOUR_MS), "hour")} ago`;
  return `${count(Math.floor(elapsed / DAY_MS), "day")} ago`;
}

/** A duration in words: "about 2 minutes". */
export function formatDuration(seconds) {
  return seconds < 60 ? "less than a minute" : `about ${count(Math.round(seconds / 60), "minute")}`;
}

/** Whether an instant is more than so many minutes in the past. */
export function isOlderThan(instant, minutes, now = Date.now()) {
  return now - Date.parse(instant) > minutes * MINUTE_MS;
}

/** The local date so many days later. */
export function addDays(date, days) {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Whether a text is a date of the calendar, e.g. not "2027-13-45". */
export function isDate(text) {
  const instant = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T12:00:00Z`) : NaN;
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(text);
}

/** The `tel:` address of a stored phone number; one without "+" gets it if it has a country code. */
export function phoneLink(phone) {
  const digits = phone.replaceAll(/[^\d+]/g, "");
  // Ten digits and fewer are national numbers, as the guest dialed them.
  return `tel:${digits.startsWith("+") || digits.length <= 10 ? digits : `+${digits}`}`;
}

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

/** English dates have two orders; the browser knows "en-FR" less well than these two. */
function chooseLocale(locale) {
  const { language, region } = new Intl.Locale(locale);
  if (language !== "en") return locale;
  return MONTH_FIRST_COUNTRIES.has(region ?? "US") ? "en-US" : "en-GB";
}

/** Whether people of the locale's country write "7 PM". */
function usesTwelveHours(locale) {
  const { language, region } = new Intl.Locale(locale);
  const native = language === "en" && region ? `${new Intl.Locale(`und-${region}`).maximize().language}-${region}` : locale;
  return new Intl.DateTimeFormat(native, { hour: "numeric" }).resolvedOptions().hour12;
}

// A time never breaks between the number and "PM".
function unbroken(text) {
  return text.replaceAll(/\s/g, "\u00a0");
}
