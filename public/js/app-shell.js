/** The frame of the signed-in page: restaurant, navigation, health banner, and the current screen. */

import { ApiClient, retryUntilReachable } from "./api-client.js";
import { HealthBanner } from "./health-banner.js";
import { clearStoredLists, readStoredLists, registerServiceWorker } from "./offline.js";
import { listRestaurants, Overview } from "./restaurants/overview.js";
import { Note } from "./ui/components.js";
import { createFormat } from "./ui/format.js";
import { labels } from "./ui/labels.js";
import { managerLabels } from "./ui/labels-managers.js";
import { formatAddress, html, useAddress, useEffect, useLoaded, useMemo, useRef, useState } from "./ui/view.js";

/**
 * Every screen of a restaurant. A module exports its component, `Screen` by default, with the
 * properties `session` and `path` (the address after the screen's name). `role` is the lowest role that may open it.
 */
const SCREENS = {
  reservations: { load: () => import("./reservations/page.js") },
  reports: { load: () => import("./reports/page.js") },
  analytics: { role: "manager", load: () => import("./analytics/page.js") },
  quarantine: { role: "manager", load: () => import("./quarantine/page.js") },
  integration: { role: "manager", load: () => import("./integration/page.js") },
  staff: { role: "manager", load: () => import("./staff/page.js") },
  // Leads to the day of a reservation; not in the navigation.
  reservation: { isHidden: true, component: "Redirect", load: () => import("./reservations/page.js") },
};
const STYLES = ["shell", "reservations", "office", "analytics", "print"];
// More are easier to find in the list of all.
const MAX_SWITCHER_RESTAURANTS = 30;
const LAST_RESTAURANT_KEY = "staff.restaurant";

/** Load the style sheets of the signed-in page. */
export function loadStyles() {
  return Promise.all(STYLES.map((name) => new Promise((resolve) => {
    const href = new URL(`../css/${name}.css`, import.meta.url).href;
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve, onerror: resolve });
    document.head.append(link);
  })));
}

/** The page of a signed-in person. `#/` lists the restaurants; no address opens the last one. */
export function App({ provider, person }) {
  const address = useAddress();
  const lastId = location.hash === "" ? provider.restaurantId || localStorage.getItem(LAST_RESTAURANT_KEY) : null;
  const restaurantId = address.restaurantId || lastId;
  const isOverview = !restaurantId;
  const { data: restaurants, error, reload } = useLoaded(() => listRestaurants(person, isOverview), [person, isOverview]);
  // They stay on the page while they are loaded again.
  const known = useRef(null);
  if (restaurants) known.current = restaurants;
  useEffect(registerServiceWorker, []);
  useEffect(() => {
    if (address.restaurantId) return;
    const onlyId = restaurants?.length === 1 ? restaurants[0].id : null;
    if (restaurantId ?? onlyId) location.replace(formatAddress(restaurantId ?? onlyId, "reservations"));
  }, [address.restaurantId, restaurants]);
  if (isOverview) {
    return html`
      <header class="frame"><p class="restaurant">${labels.product}</p><${Account} person=${person} /></header>
      <main id="main" tabindex="-1"><${Overview} restaurants=${known.current} error=${error} reload=${reload} /></main>`;
  }
  return html`<${Restaurant} key=${restaurantId} restaurantId=${restaurantId} provider=${provider} person=${person} address=${address} restaurants=${known.current ?? []} />`;
}

/** Load the person's role in a restaurant, then show the frame. */
function Restaurant({ restaurantId, provider, person, address, restaurants }) {
  const [me, setMe] = useState(null);
  const [error, setError] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const api = useMemo(() => new ApiClient(restaurantId, person), [restaurantId, person]);

  useEffect(() => {
    let isCurrent = true;
    api.onAccessLost = (lost) => {
      clearStoredLists();
      if (lost.status === 401) person.signOut(labels.signIn.sessionEnded);
      else setRefusal(labels.shell.noAccess(me?.restaurantName ?? restaurantId));
    };
    // The page opens with what it knows: faster, and also without a connection. The API checks each
    // call, whatever the page shows.
    const stored = readStoredLists(restaurantId)?.me;
    if (stored) setMe(stored);
    async function load() {
      const loaded = await retryUntilReachable(() => api.get("me"), (problem) => isCurrent && setError(problem));
      if (!isCurrent) return;
      localStorage.setItem(LAST_RESTAURANT_KEY, restaurantId);
      setError(null);
      if (JSON.stringify(loaded) !== JSON.stringify(stored)) setMe(loaded);
    }
    load().catch((problem) => isCurrent && setError(problem));
    return () => { isCurrent = false; };
  }, [restaurantId]);

  if (refusal) return html`<${Refusal} person=${person} message=${refusal} hasOthers=${restaurants.length > 0} />`;
  if (me) return html`<${Frame} api=${api} me=${me} provider=${provider} person=${person} address=${address} restaurants=${restaurants} />`;
  return html`<main id="main" class="centered">${error ? html`<h1>${labels.product}</h1><${Note} level="bad">${error.message}<//>` : html`<p class="empty">${labels.loading}</p>`}</main>`;
}

function Refusal({ person, message, hasOthers }) {
  return html`
    <main id="main" class="centered">
      <h1>${labels.product}</h1>
      <${Note} level="bad">${message}<//>
      ${hasOthers && html`<a href=${formatAddress("")}>${labels.shell.allRestaurants}</a>`}
      <${Account} person=${person} />
    </main>`;
}

function Frame({ api, me, provider, person, address, restaurants }) {
  const main = useRef(null);
  const memory = useRef({});
  const [connectionLoss, setConnectionLoss] = useState(null);
  const [shownDay, setShownDay] = useState(null);
  const [title, setTitle] = useState("");
  const [healthRequests, setHealthRequests] = useState(0);
  const name = me.restaurantName ?? api.restaurantId;

  const session = useMemo(() => {
    const linkTo = (screen, ...path) => formatAddress(api.restaurantId, screen, ...path);
    return {
      api,
      me,
      person,
      restaurantName: name,
      isManager: me.role !== "host",
      isOperator: me.role === "operator",
      simulatedClock: provider.simulatedClock === true,
      format: createFormat(me),
      /** State that outlives a screen, e.g. the last day. */
      memory: memory.current,
      linkTo,
      goTo: (screen, ...path) => { location.hash = linkTo(screen, ...path); },
      replaceAddress: (screen, ...path) => location.replace(linkTo(screen, ...path)),
      announce,
      setTitle,
      setShownDay,
      /**
       * The data of a screen can or cannot be updated; `seenAt` is when it was, in milliseconds. The
       * status null means that the first answer is still awaited.
       */
      reportConnectionLoss: (error, seenAt) => setConnectionLoss((loss) => (loss && loss.seenAt === seenAt && loss.status === error.status ? loss : { status: error.status, seenAt })),
      reportConnection: () => setConnectionLoss(null),
      refreshHealth: () => setHealthRequests((number) => number + 1),
      focusMain: () => main.current?.focus(),
    };
  }, [api, me]);

  const screenName = address.screen || "reservations";
  const screen = SCREENS[screenName];
  const isAllowed = screen && (session.isManager || screen.role !== "manager");
  useFocusOnChange(main, screenName);
  useEffect(() => setShownDay(null), [screenName]);
  useEffect(() => {
    document.title = [title, labels.screens[screenName], name].filter(Boolean).join(" · ");
  }, [title, screenName, name]);

  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${labels.shell.skip}</a>
    ${session.simulatedClock && html`<p class="demo">${labels.shell.simulated}</p>`}
    <${Header} session=${session} current=${screenName} restaurants=${restaurants} />
    <${HealthBanner} session=${session} connectionLoss=${connectionLoss} shownDay=${shownDay} requests=${healthRequests} />
    <main id="main" tabindex="-1" ref=${main}>
      ${isAllowed
        ? html`<${LoadedScreen} key=${screenName} screen=${screen} session=${session} path=${address.path} />`
        : html`<div class="stack"><p class="empty">${screen ? labels.shell.managersOnly : labels.shell.notFound}</p>
            <a href=${session.linkTo("reservations")}>${labels.shell.notFoundLink}</a></div>`}
    </main>`;
}

function Header({ session, current, restaurants }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [current]);
  const shown = Object.entries(SCREENS).filter(([, { role, isHidden }]) => !isHidden && (session.isManager || !role));
  // The reservations open at the day that was shown last.
  const linkOf = (name) => session.linkTo(name, name === "reservations" ? session.memory.day : null);
  return html`
    <header class="frame">
      ${restaurants.length > 1
        ? html`<${Switcher} session=${session} restaurants=${restaurants} current=${current} />`
        : html`<p class="restaurant"><a href=${linkOf("reservations")}>${session.restaurantName}</a></p>`}
      <button type="button" class="menu-button" aria-expanded=${isOpen} aria-controls="menu" onClick=${() => setOpen(!isOpen)}>${labels.shell.menu}</button>
      <div id="menu" class=${isOpen ? "menu open" : "menu"}>
        <nav aria-label=${labels.shell.screens}>
          ${shown.map(([name]) => html`<a key=${name} href=${linkOf(name)} aria-current=${name === current ? "page" : null}
            onClick=${() => setOpen(false)}>${labels.screens[name]}</a>`)}
        </nav>
        <${Account} person=${session.person} />
      </div>
    </header>`;
}

/** Opens the same screen of another restaurant, or the list of all. */
function Switcher({ session, restaurants, current }) {
  const listed = restaurants.length <= MAX_SWITCHER_RESTAURANTS ? restaurants : restaurants.filter(({ id }) => id === session.api.restaurantId);
  function open({ target }) {
    location.hash = formatAddress(target.value, target.value && current);
  }
  return html`
    <p class="restaurant">
      <select aria-label=${managerLabels.restaurants.switchTo} value=${session.api.restaurantId} onChange=${open}>
        ${listed.map(({ id, name }) => html`<option key=${id} value=${id}>${name ?? id}</option>`)}
        <option value="">${labels.shell.allRestaurants}</option>
      </select>
    </p>`;
}

function Account({ person }) {
  function signOut() {
    clearStoredLists();
    // An answer that is under way is stored until the page is left.
    addEventListener("pagehide", clearStoredLists);
    person.signOut();
  }
  return html`
    <div class="account" role="group" aria-label=${labels.shell.account}>
      <span class="who">${person.name}</span>
      ${(person.others ?? []).map(({ role, become }) => html`<button type="button" class="quiet" onClick=${become}>${labels.signIn.viewAs(role)}</button>`)}
      <button type="button" class="quiet" onClick=${signOut}>${labels.shell.signOut}</button>
    </div>`;
}

function LoadedScreen({ screen, session, path }) {
  const [loaded, setLoaded] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    session.setTitle("");
    screen.load().then((module) => isCurrent && setLoaded({ Screen: module[screen.component ?? "Screen"] }), () => isCurrent && setLoaded({ hasFailed: true }));
    return () => { isCurrent = false; };
  }, [screen]);
  if (loaded?.hasFailed) return html`<${Note} level="bad">${labels.errors.notOpened}<//>`;
  return loaded ? html`<${loaded.Screen} session=${session} path=${path} />` : html`<p class="empty">${labels.loading}</p>`;
}

/** Move the focus to the content when another screen opens, but not at the start. */
function useFocusOnChange(main, screenName) {
  const previous = useRef(screenName);
  useEffect(() => {
    if (previous.current !== screenName) main.current?.focus();
    previous.current = screenName;
  }, [screenName]);
}

/** Announce a text to screen readers. */
function announce(text) {
  const region = document.getElementById("announcements");
  // The same text again is a change only after the region was empty.
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}

