/** `reservation/{id}`: leads to the reservation on its day, for links that do not know the day. */

import { LoadingOrError, useLoaded } from "../ui/components.js";
import { labels } from "../ui/labels.js";
import { html, useEffect } from "../ui/view.js";

export function Screen({ session, path: [id] }) {
  const { data, error } = useLoaded(() => session.api.get(`reservations/${encodeURIComponent(id)}`), [id]);
  useEffect(() => {
    // A reservation without a date is listed on every day.
    if (data) session.replaceAddress("reservations", data.serviceDate ?? session.format.today(), "r", id);
  }, [data]);
  if (error?.status !== 404) return html`<${LoadingOrError} error=${error} />`;
  return html`
    <p class="empty">${labels.reservations.notFound}</p>
    <a href=${session.linkTo("reservations")}>${labels.shell.notFoundLink}</a>`;
}
