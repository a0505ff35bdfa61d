"""The guests' part of a poll: only those that a held reservation names are kept.

The feed is read before the reservations, so that a new reservation is written once, with its
guest; whom neither the feed nor the ledger knows is fetched by id afterwards.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from shared.core.change import Change, Source
from shared.core.guest import Guest
from shared.core.keys import external_key
from shared.edge.batches import apply_all
from shared.edge.connection import Connection
from shared.edge.guests import hold_guests, joining, read_guests, reservations_naming
from shared.edge.holdings import read_unjoined
from shared.edge.intake import JSON, text_of
from shared.edge.keeping import keep_aside
from shared.edge.learning import fetch_missing, learn_guest, read_guest_row
from shared.edge.ledger import Applied
from shared.edge.opentable.query import Kind, Query
from shared.errors import LedgerUnavailableError, RejectedStatementError

_AT_ONCE = 8


class Feed(Struct):
    """What the guests' feed brought, and what became of it.

    Attributes:
        rows: Guests by key, each with its row.
        kept: The keys of those that this run's reservations name, and that are held by now.
        created: Those of them of whom nothing was held before this run.
        lacking: The reservations that name a guest of whom nothing is held, by the guest's id.
    """

    rows: dict[str, tuple[Guest, dict[str, Any]]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    lacking: dict[str, list[str]] = field(default_factory=dict)

    def note(self, applied: Applied) -> None:
        """Take up the guest that a reservation lacks, if any."""
        if applied.lacking_guest is not None:
            self.lack(applied.guest_id, applied.change.external_key)

    def lack(self, guest_id: str, reservation: str) -> None:
        """Take up a guest, by OpenTable's id, that a reservation names."""
        self.lacking.setdefault(guest_id, []).append(reservation)

    def led_to(self, keys: Iterable[str]) -> set[str]:
        """Return the keys and those that they lead to through merges, as far as the feed tells."""
        found: set[str] = set()
        open_keys = {key for key in keys if key in self.rows}
        while open_keys:
            found |= open_keys
            survivors = {self.rows[key][0].survivor for key in open_keys}
            open_keys = {key for key in survivors if key in self.rows} - found
        return found


async def read_feed(connection: Connection, since: datetime | None) -> Feed:
    """Read the guests that changed; a row that cannot be read is kept aside.

    Args:
        connection: To the restaurant's book.
        since: The time from which changes are asked for; None asks for all, the first time.

    Raises:
        OpenTableError: When the feed could not be read whole.
        LedgerUnavailableError: When an unreadable row could not be kept.
    """
    feed = Feed()
    if since is None:
        await _note_unjoined(connection, feed)
    await _read_into(connection, feed, since)
    return feed


async def read_guestbook(connection: Connection) -> Feed:
    """Read all guests; whoever of them is held already is left to the polls. Raises as `read_feed`.

    Args:
        connection: To the restaurant's book.
    """
    feed = Feed()
    await _read_into(connection, feed, None)
    return feed


async def _read_into(connection: Connection, feed: Feed, since: datetime | None) -> None:
    listing = connection.services.opentable.pages(
        connection.access, Kind.GUESTS, Query(updated_after=since), connection.deadline
    )
    async for page in listing:
        for row in page.rows:
            try:
                guest = read_guest_row(connection, row)
            except RejectedStatementError as rejection:
                text = text_of(row)
                await keep_aside(connection.services, connection.settings, text, JSON, rejection)
            else:
                feed.rows[guest.key] = (guest, row)


async def _note_unjoined(connection: Connection, feed: Feed) -> None:
    """Take up what webhooks brought before the first run: its rows may tell of none of that."""
    services, settings = connection.services, connection.settings
    unjoined = await read_unjoined(
        services.firestore, settings.restaurant_id, connection.access.rid, connection.deadline
    )
    for reservation, guest_id in unjoined.items():
        feed.lack(guest_id, reservation)


async def hold_named(connection: Connection, feed: Feed, changes: Iterable[Change]) -> None:
    """Keep those guests of the feed that a page's reservations name, before these are written.

    Raises:
        LedgerUnavailableError: When one could not be stored.
    """
    named = {key for change in changes if isinstance(key := change.said.get("guestKey"), str)}
    new = feed.led_to(named) - feed.kept
    guests = [feed.rows[key][0] for key in sorted(new)]
    for guest in guests:
        if guest.forgotten_at is not None:
            # Before its record goes, which tells by which names it may be quarantined.
            await learn_guest(connection, feed.rows[guest.key][1])
    feed.created |= await hold_guests(connection.services, connection.settings, guests)
    feed.kept |= new


async def finish_guests(connection: Connection, feed: Feed, *, is_first: bool) -> None:
    """Bring what is left level once the reservations are written.

    Args:
        connection: To the restaurant's book.
        feed: What was read, and what the reservations named.
        is_first: Whether all that is coming was just read, so that nobody else need be known;
            whoever must be forgotten may yet be named by something older.

    Raises:
        OpenTableError: When a guest could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    services, settings = connection.services, connection.settings
    held = (await read_guests(services, settings, feed.rows)).keys()
    for key, (guest, row) in feed.rows.items():
        # Of whom nothing was held, an earlier run or webhook cannot have joined an older record.
        known = key in held and not (key in feed.created and guest.is_plain and is_first)
        asked = not is_first or guest.forgotten_at is not None
        if known or (asked and await reservations_naming(services, settings, key, most=1)):
            await learn_guest(connection, row)
    await fetch_lacking(connection, feed)


async def fetch_lacking(connection: Connection, feed: Feed) -> None:
    """Fetch by id whom the feed did not bring: a returning diner has not changed lately.

    Raises:
        OpenTableError: When one could not be fetched.
        LedgerUnavailableError: When one could not be stored.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(guest_id: str) -> None:
        async with places:
            await fetch_missing(connection, guest_id)

    await asyncio.gather(*map(fetch, feed.lacking))
    services, settings = connection.services, connection.settings
    joins = [
        joining(reservation, external_key(guest_id, settings.rid), services.clock(), Source.POLL)
        for guest_id, reservations in feed.lacking.items()
        for reservation in reservations
    ]
    for result in await apply_all(services.ledger(settings), joins):
        if isinstance(result, LedgerUnavailableError):
            raise result
