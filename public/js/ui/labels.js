/**
 * The texts of the page, by screen. Functions take values that are already formatted. The texts of
 * managers' screens are in labels-managers.js, which is not loaded before sign-in.
 */

const wholeNumber = new Intl.NumberFormat("en-US");

/** "1 hour", "1,413 covers". */
export function count(number, noun, plural = `${noun}s`) {
  return `${wholeNumber.format(number)} ${number === 1 ? noun : plural}`;
}

export const labels = {
  product: "Reservations",
  loading: "Loading …",
  goBack: "Go back",
  close: "Close",
  unknown: "–",
  nothing: "nothing",

  errors: {
    noConnection: "No connection. Check the network. The page tries again automatically.",
    unavailable: "This is not available right now. The page tries again automatically.",
    notOpened: "This page could not be opened. Reload it.",
  },

  signIn: {
    title: "Sign in",
    forRestaurant: (name) => `Restaurant: ${name}`,
    demo: "A demo restaurant on this machine. All guests are made up.",
    demoName: (role) => `Demo ${role}`,
    viewAs: (role) => `View as ${role} (demo)`,
    email: "Email",
    password: "Password",
    submit: "Sign in",
    forgot: "Forgot password?",
    resetNeedsEmail: "Enter your email address above, then select “Forgot password?” again.",
    resetSent: (email) => `If ${email} has an account, we sent a link to set a new password.`,
    code: "Code from your authenticator app",
    wrongCode: "Incorrect code",
    codeExpired: "The code expired. Sign in again.",
    factorNotSupported: "This account uses a code by text message. Ask your administrator for an authenticator app instead.",
    wrongPassword: "Incorrect email or password",
    disabled: "This account is disabled. Ask your administrator.",
    tooManyAttempts: "Too many attempts. Wait a few minutes, then try again.",
    unavailable: "Sign-in is not available right now. Try again in a minute.",
    sessionEnded: "Your session has ended. Sign in again.",
    noProvider: "This address has no sign-in. Open the page from Firebase Hosting or `make run`.",
  },

  shell: {
    skip: "Skip to content",
    menu: "Menu",
    screens: "Screens",
    account: "Account",
    signOut: "Sign out",
    allRestaurants: "All restaurants",
    noAccess: (name) => `You don't have access to ${name}. Ask your administrator.`,
    noRestaurant: "You don't have access to any restaurant. Ask your administrator.",
    notFound: "This page doesn't exist.",
    notFoundLink: "Go to today's reservations",
    managersOnly: "Only managers can open this page.",
    simulated: "Demo: guests are made up, and the evening passes faster than the clock.",
  },

  screens: {
    reservations: "Reservations",
    reports: "Reports",
    analytics: "Analytics",
    quarantine: "Failed updates",
    integration: "OpenTable connection",
    staff: "Staff",
    restaurants: "Restaurants",
  },

  health: {
    region: "Status of the list",
    levels: { good: "In order", info: "Note", watch: "Needs attention", bad: "Problem" },
    more: (number) => `${number} more`,
    details: "Details",
    offlineSince: (time) => `Offline – showing the list as of ${time}. Reconnecting …`,
    updating: (time) => `List as of ${time}. Updating …`,
    offlineEmpty: "Offline. Reconnecting …",
    unreachableSince: (time) => `Our server can't be reached – showing the list as of ${time}. Trying again …`,
    unreachable: "Our server can't be reached. Trying again …",
    paused: "OpenTable sync is paused",
    pollFailing: (time) => `Can't reach OpenTable since ${time}. New changes may be missing; retrying every 15 min.`,
    pollFailingNow: "Can't reach OpenTable. New changes may be missing; retrying every 15 min.",
    silent: (time) => `Live updates from OpenTable stopped at ${time}. Changes still arrive, up to 30 min late. Tell your IT contact.`,
    held: "The last sync is on hold for review.",
    heldPlan: (missing, total) => `${missing} of ${total} reservations are not in OpenTable's list. We changed nothing. A manager must review.`,
    review: "Review",
    failed: "The last sync failed",
    notChecked: "Not checked yet. The first check runs within the hour.",
    notPolled: "No update from OpenTable yet. The first one arrives within 30 minutes.",
    checkLate: (ago) => `The hourly sync is late. The last one was ${ago}. Tell your IT contact.`,
    pollLate: (ago) => `Last contact with OpenTable: ${ago}. Tell your IT contact.`,
    needReview: (number) => (number === 1 ? "1 reservation needs review" : `${number} reservations need review`),
    missed: (number) => `${count(number, "change")} arrived late. Live updates from OpenTable may be incomplete.`,
    failedUpdates: (number) => (number === 1 ? "1 update couldn't be applied" : `${number} updates couldn't be applied`),
    askManager: " · ask a manager",
    inSync: (time, updated) => `In sync with OpenTable · checked ${time} · ${count(updated, "reservation")} updated`,
    checked: (time, updated) => (updated ? `Checked ${time} · ${count(updated, "reservation")} updated` : `Checked ${time}`),
    inSyncUnchanged: (time) => `Checked ${time} · nothing to update`,
    dryRun: (time) => `Trial check at ${time} · nothing was changed`,
    checkedUpTo: (day) => `Checked up to ${day}. Later days follow by live updates.`,
    checkedFrom: (day) => `Checked from ${day} on. Earlier days are not compared.`,
    lastUpdate: (ago) => `Last update from OpenTable: ${ago}`,
    noUpdate: "No live update from OpenTable yet",
  },

  reservations: {
    title: "Reservations",
    previousDay: "Previous day",
    nextDay: "Next day",
    today: "Today",
    chooseDay: "Go to date",
    print: "Print day sheet",
    shortcuts: "Keyboard shortcuts",
    covers: (number) => count(number, "cover"),
    inReservations: (number) => `in ${count(number, "reservation")}`,
    shifts: { breakfast: "Breakfast", lunch: "Lunch", dinner: "Dinner" },
    shift: (name, covers) => `${name} ${covers}`,
    coversByHour: "Covers by hour",
    coversAt: "covers at",
    groupHead: (name, reservations, covers) => `${name} · ${count(reservations, "reservation")} · ${count(covers, "cover")}`,
    filterAndSearch: "Filter and search",
    search: "Search",
    searchLabel: "Search name, phone, table or notes",
    searchAllDays: "Search all days",
    allDaysTitle: (query) => `All days: ${query}`,
    allDaysEmpty: "No reservations match on any day.",
    allDaysMore: "Show more",
    shown: (shown, total) => `${shown} of ${total}`,
    clear: "Clear filters",
    status: "Status",
    source: "Source",
    sort: "Sort by",
    sorts: { time: "Time", name: "Name", table: "Table", status: "Status", server: "Server" },
    all: "All",
    columns: ["Time", "Party", "Name", "Table", "Notes", "Status", "Source"],
    captions: {
      open: "The day's reservations", finished: "Finished reservations", cancelled: "Cancelled reservations",
      removed: "Removed reservations", incomplete: "Incomplete reservations",
    },
    finished: (parts) => `Earlier (${parts.join(", ")})`,
    finishedPart: (number, status) => `${number} ${status}`,
    cancelled: (number) => `Cancelled (${number})`,
    removed: (number) => `Removed from the list (${number})`,
    incomplete: "Incomplete",
    incompleteCount: (number) => `${number} incomplete`,
    incompleteHint: "We got a change before the booking. Missing details will follow. These may belong to any day.",
    none: "No reservations",
    noMatch: "No reservations match.",
    noTable: "No table",
    noServer: "No server",
    guests: (number) => (number === 1 ? "guest" : "guests"),
    table: "Table",
    unknownTime: "time not known yet",
    unknownGuest: "Unknown guest",
    late: (minutes) => `${minutes} min late`,
    willBeLate: "Will be late",
    wrongDate: (text) => `“${text}” is not a date.`,
    notFound: "There is no reservation at this address.",
    recentTitle: "Changes while this page was open",
    offlineDay: "Offline. This day is not stored on this device.",
  },

  detail: {
    facts: {
      day: "Date", time: "Time", late: "Late", party: "Party", table: "Table", server: "Server", phone: "Phone", email: "Email",
      openTableStatus: "OpenTable status", request: "Request", note: "Note", openTableNote: "OpenTable note", tags: "Tags", reason: "Reason for cancellation",
    },
    notKnown: "not known yet",
    party: (number) => `Party of ${number}`,
    incomplete: "We got a change before the booking. Missing details will follow.",
    diverged: "OpenTable doesn't have this reservation. Check there before the guest arrives.",
    seeReport: "See report",
    history: "History",
    cancel: "Cancel this reservation …",
    cancelTitle: (name) => `Cancel ${name}?`,
    cancelText: (party, when) => `${party}, ${when}. The guest won't be notified.`,
    cancelConfirm: "Cancel the reservation",
    reason: "Reason (optional)",
    requiredReason: "Reason",
    atOpenTable: "OpenTable reservations must be cancelled through OpenTable.",
    elsewhere: "This reservation was not made in Lineup. Cancel it where it was made.",
    remove: "Remove from the list …",
    keep: "Keep in the list …",
    removeTitle: (name) => `Remove ${name} from the list?`,
    removeText: "The reservation is not deleted, and it no longer counts. If OpenTable sends it again, it returns to the list.",
    removeConfirm: "Remove",
    keepTitle: (name) => `Keep ${name} in the list?`,
    keepText: "The mark “Not found at OpenTable” disappears. If OpenTable sends the reservation again, its values replace ours.",
    keepConfirm: "Keep",
    kept: (reason) => `OpenTable doesn't have this reservation. A manager keeps it: ${reason}`,
    removed: (reason) => `OpenTable doesn't have this reservation. A manager removed it from the list: ${reason}`,
    askManager: "Ask a manager to keep it or to remove it from the list.",
  },

  warnings: { incomplete: "Incomplete", diverged: "Not found at OpenTable" },

  history: {
    empty: "No changes recorded yet",
    more: "Show later changes",
    outcomes: {
      created: "Added",
      stale: "Late update ignored",
      duplicate: "Same update again",
      unchanged: "No changes",
    },
    types: {
      "staff.cancelled": "Cancelled by staff",
      "staff.kept": "Kept in the list",
      "staff.removed": "Removed from the list",
      "guest.linked": "Guest details added",
    },
    diverged: "Flagged: not found at OpenTable",
    changed: "Changed",
    noted: "No visible changes",
    channels: {
      WEBHOOK: "live update",
      POLL: "15-minute sync",
      RECONCILIATION: "hourly sync",
      REPLAY: "failed update, applied later",
    },
    via: (actor, channel) => (channel ? `via ${actor} (${channel})` : `via ${actor}`),
    viaChannel: (channel) => `via ${channel}`,
    byStaff: (name) => `by ${name}, on this page`,
    byUnknownStaff: "by staff, on this page",
    actors: { OPENTABLE: "OpenTable", RELAY: "OpenTable", LINEUP: "Lineup" },
  },

  changes: {
    many: (number) => `${number} reservations changed.`,
    added: (name, party, time) => `New: ${name}, ${party} at ${time}.`,
    removed: (name) => `${name} is removed from the list.`,
    gone: (name) => `${name} is no longer on this day.`,
    became: {
      CHECKED_IN: "has arrived", SEATED: "is seated", COMPLETED: "has finished", CANCELLED: "is cancelled",
      NO_SHOW: "is a no-show", CONFIRMED: "is confirmed",
    },
    status: (status) => `is now ${status}`,
    moved: (from, to) => `moved from ${from} to ${to}`,
    party: (to, from) => `is now ${to} instead of ${from}`,
    table: (tables) => `has table ${tables}`,
    noTable: "has no table",
    request: "has another request",
    note: "has another note",
    renamed: (name) => `was ${name}`,
  },

  daySheet: {
    columns: ["Time", "Party", "Name", "Table", "Phone", "Notes"],
    summary: (reservations, covers) => `${count(reservations, "reservation")} · ${count(covers, "cover")}`,
    printed: (when) => `Printed ${when}`,
    filtered: (shown, total) => `Filtered: ${shown} of ${total}`,
    asOf: (time) => `List as of ${time}`,
  },

  shortcuts: {
    title: "Keyboard shortcuts",
    keys: [
      ["/", "Search"],
      ["J or ↓", "Next reservation"],
      ["K or ↑", "Previous reservation"],
      ["Enter", "Open the reservation"],
      ["Esc", "Close"],
      ["← →", "Previous or next day"],
      ["T", "Today"],
      ["P", "Print day sheet"],
      ["?", "This list"],
    ],
  },

  /** Reservation statuses; the mark stands in for the color. */
  statuses: {
    BOOKED: { text: "Booked", mark: "○" },
    CONFIRMED: { text: "Confirmed", mark: "●" },
    CHECKED_IN: { text: "Arrived", mark: "▲" },
    SEATED: { text: "Seated", mark: "■" },
    COMPLETED: { text: "Finished", mark: "✓" },
    NO_SHOW: { text: "No-show", mark: "–" },
    CANCELLED: { text: "Cancelled", mark: "✕" },
  },
  unknownStatus: "Unknown",

  /** OpenTable's status words, as `source.state` has them. */
  openTableStatuses: {
    NotConfirmed: "Not confirmed", LeftMessage: "Left message", WrongNumber: "Wrong number", NoAnswer: "No answer",
    Pending: "Pending", Booked: "Booked", Confirmed: "Confirmed", Late: "Late",
    PartiallyArrived: "Partially arrived", AllArrived: "All arrived", PartiallySeated: "Partially seated", Seated: "Seated",
    Appetizer: "Appetizer", Entree: "Entree", Dessert: "Dessert", CheckDropped: "Check dropped", Paid: "Paid",
    BusTable: "Bus table", Cleared: "Cleared", Done: "Finished", AssumedDone: "Assumed finished", AssumedSeated: "Assumed seated",
    NoShow: "No-show", Cancelled: "Cancelled",
  },

  sources: { OPENTABLE: "OpenTable", LINEUP: "Lineup" },
  unknownSource: "Unknown",

  /** Fields of a reservation, in the order in which changes are listed. */
  fields: {
    dinerName: "Name", partySize: "Party", startAt: "Time", status: "Status", "source.state": "OpenTable status",
    "metadata.tableNumbers": "Table", "metadata.specialRequests": "Request", "metadata.venueNotes": "Note",
    "metadata.openTableNotes": "OpenTable note", "metadata.server": "Server", "metadata.visitTags": "Tags",
    "metadata.cancellationReason": "Reason", "metadata.reviewReason": "Reason", phone: "Phone", email: "Email", arrivedAt: "Arrived", seatedAt: "Seated",
    completedAt: "Finished",
  },
};

/** A status as a word. */
export function statusText(status) {
  return labels.statuses[status]?.text ?? status ?? labels.unknownStatus;
}

/** OpenTable's own status in words. */
export function openTableStatusText(state) {
  return labels.openTableStatuses[state] ?? splitName(state);
}

/** A technical name as words: "AllArrived" and "all_arrived" become "All arrived". */
export function splitName(name) {
  const text = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
