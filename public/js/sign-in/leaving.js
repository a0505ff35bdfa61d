/** Leaving, by one's own wish or because the visit is over, and what is said of it afterwards. */

const REASON = "left.because";

/** Show the sign-in again, and there say why where it was not one's own wish. */
export function startAnew(reason) {
  if (reason) sessionStorage.setItem(REASON, reason);
  location.reload();
}

/** Why the visit before ended, said once; null where there is nothing to say. */
export function whyLeft() {
  const reason = sessionStorage.getItem(REASON);
  sessionStorage.removeItem(REASON);
  return reason;
}
