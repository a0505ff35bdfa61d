/** Local dates in words; the year is told where it is not this one. */

const short = words({ weekday: "short", day: "numeric", month: "short" });
const shortWithYear = words({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const tick = words({ day: "numeric", month: "short" });

/** A date, e.g. "Sat 14 Mar", or "Sat 14 Mar 2025" where today is in another year. */
export function dateInWords(date, today) {
  const form = date.slice(0, 4) === today.slice(0, 4) ? short : shortWithYear;
  return form.format(noon(date)).replace(",", "");
}

/** Dates that follow each other, e.g. "Sat 14 Mar – Mon 16 Mar". */
export function spanInWords(first, last, today) {
  return first === last ? dateInWords(first, today) : `${dateInWords(first, today)} – ${dateInWords(last, today)}`;
}

/** A date beneath a bar, e.g. "14 Mar". */
export function tickOf(date) {
  return tick.format(noon(date));
}

/** The ISO weekday of a date, 1 for Monday to 7. */
export function weekdayOf(date) {
  return noon(date).getUTCDay() || 7;
}

function noon(date) {
  return new Date(`${date}T12:00:00Z`);
}

function words(form) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...form });
}
