"""A restaurant's integration settings: read, write and check them against reality."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from google.cloud.firestore import DELETE_FIELD, AsyncClient, AsyncWriteBatch, DocumentSnapshot
from msgspec import Struct

from shared.concurrency import Deadline
from shared.context import (
    AppContext,
    ConnectedRestaurant,
    RestaurantContext,
    connect_restaurant,
)
from shared.domain.normalization.identifiers import is_rid
from shared.domain.normalization.opentable_reservation import has_time_zone_conflict
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.validation import typed_or_none
from shared.domain.webhook_auth import list_webhook_problems
from shared.errors import InvalidSettingsError, OpenTableError, OpenTableRequestRejectedError
from shared.firestore import paths
from shared.firestore.documents import WRITE_TIMEOUT_SECONDS, read_document, retry_on_conflict
from shared.log import LogEvent, Severity, log_event
from shared.opentable.query import ListingQuery, LocalDateTime
from shared.restaurants.changes import (
    new_version,
    publish_changes,
    restaurant_change_key,
    rid_change_key,
    secret_change_key,
)
from shared.restaurants.secrets import BuildSecretPayload

CONNECTION_TEST_TIMEOUT_SECONDS = 12.0
_EVIDENCE_LOOKBACK = timedelta(days=7)


class RidTakenError(Exception):
    """Another restaurant has claimed this rid."""


class SettingsChangedError(Exception):
    """Another person changed the settings after the caller read them.

    `document` has the new settings.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__()
        self.document = document


class ConnectionTestResult(Struct, frozen=True):
    """The result of one request to OpenTable for a page of reservations.

    ``row_count`` is 0 for a restaurant without reservations since last week. If the test failed,
    ``problem`` says what to do and ``details`` is the technical cause.
    """

    is_working: bool
    duration_seconds: float
    row_count: int = 0
    problem: str | None = None
    details: str | None = None


async def read_settings(client: AsyncClient, restaurant_id: str) -> IntegrationSettings | None:
    """Read a restaurant's settings from Firestore, not from the cache; None if it has none."""
    document = await read_integration_document(client, restaurant_id)
    return None if document is None else parse_settings(restaurant_id, document)


async def read_integration_document(
    client: AsyncClient, restaurant_id: str
) -> dict[str, Any] | None:
    """Read the document with a restaurant's settings and the state of its runs."""
    return (await read_document(paths.integration_document(client, restaurant_id))).to_dict()


async def update_settings(
    client: AsyncClient,
    restaurant_id: str,
    fields: Mapping[str, Any],
    now: datetime,
    is_current: Callable[[Mapping[str, Any]], bool] = lambda _document: True,
) -> None:
    """Write some settings; a new rid is claimed in the same commit.

    `is_current` returns whether the stored document is the one that the caller read.

    Raises:
        InvalidSettingsError: The integration would be enabled without usable settings.
        RidTakenError: Another restaurant has claimed the rid.
        SettingsChangedError: The document is not current.
    """
    reference = paths.integration_document(client, restaurant_id)

    async def update_once() -> set[str]:
        """Return the keys of what changed."""
        snapshot = await read_document(reference)
        document = snapshot.to_dict() or {}
        if not is_current(document):
            raise SettingsChangedError(document)
        settings = parse_settings(restaurant_id, {**document, **fields})
        if settings.is_enabled:
            settings.require_zone()
            settings.require_rid()
        batch = client.batch()
        changed_keys = {restaurant_change_key(restaurant_id)}
        if (rid := fields.get("restaurantId")) is not None:
            await _add_rid_claim(client, batch, restaurant_id, rid)
            changed_keys.add(rid_change_key(rid))
            previous_rid = document.get("restaurantId")
            if isinstance(previous_rid, str) and previous_rid != rid:
                await _add_rid_release(client, batch, restaurant_id, previous_rid)
                changed_keys.add(rid_change_key(previous_rid))
        _add_settings_write(client, batch, snapshot, {**fields, "updatedAt": now})
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        return changed_keys

    # Published after the commit: an instance that reads the settings because of the new version
    # must find the new ones.
    keys = await retry_on_conflict(update_once)
    await publish_changes(client, {key: new_version() for key in keys}, now)


async def update_credentials(
    context: AppContext, secret_id: str, build_payload: BuildSecretPayload
) -> datetime:
    """Change a secret, and publish it to every instance; return the time of the change, UTC.

    Raises:
        InvalidSettingsError: The secret is not writable or not a JSON object.
    """
    version = await context.secret_store.update_secret(secret_id, build_payload)
    now = context.clock()
    await publish_changes(context.firestore, {secret_change_key(secret_id): version}, now)
    return now


async def release_rid(client: AsyncClient, restaurant_id: str, now: datetime) -> str | None:
    """Disable the integration and release its rid for another restaurant; return the rid."""
    reference = paths.integration_document(client, restaurant_id)

    async def release_once() -> str | None:
        snapshot = await read_document(reference)
        rid = (snapshot.to_dict() or {}).get("restaurantId")
        if not isinstance(rid, str):
            return None
        batch = client.batch()
        await _add_rid_release(client, batch, restaurant_id, rid)
        fields = {"enabled": False, "restaurantId": DELETE_FIELD, "updatedAt": now}
        _add_settings_write(client, batch, snapshot, fields)
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)
        return rid

    rid = await retry_on_conflict(release_once)
    if rid is not None:
        keys = restaurant_change_key(restaurant_id), rid_change_key(rid)
        await publish_changes(client, {key: new_version() for key in keys}, now)
    return rid


async def _add_rid_claim(
    client: AsyncClient, batch: AsyncWriteBatch, restaurant_id: str, rid: str
) -> None:
    """Add the claim of a rid to a commit, unless it is this restaurant's already.

    Raises:
        RidTakenError: It is another restaurant's.
    """
    reference = paths.rid_claim_document(client, rid)
    claim = (await read_document(reference)).to_dict()
    if claim is None:
        # `create` fails if another restaurant claims the rid in between; then all is read again.
        batch.create(reference, {"restaurantId": restaurant_id})
    elif claim.get("restaurantId") != restaurant_id:
        raise RidTakenError


async def _add_rid_release(
    client: AsyncClient, batch: AsyncWriteBatch, restaurant_id: str, rid: str
) -> None:
    """Add the release of a rid to a commit, if the claim is this restaurant's."""
    if not is_rid(rid):  # edited by hand: no claim can have this id
        return
    claim = await read_document(paths.rid_claim_document(client, rid))
    if (claim.to_dict() or {}).get("restaurantId") == restaurant_id:
        precondition = client.write_option(last_update_time=claim.update_time)
        batch.delete(claim.reference, option=precondition)


def _add_settings_write(
    client: AsyncClient,
    batch: AsyncWriteBatch,
    snapshot: DocumentSnapshot[Any],
    fields: dict[str, Any],
) -> None:
    """Add a write of settings to a commit; it fails if the document changed since it was read."""
    if snapshot.exists:
        precondition = client.write_option(last_update_time=snapshot.update_time)
        batch.update(snapshot.reference, fields, option=precondition)
    else:
        batch.create(snapshot.reference, fields)


class TimeZoneEvidence(Struct, frozen=True):
    """How many of OpenTable's rows have local times that contradict a time zone."""

    zone: ZoneInfo
    row_count: int
    contradicting_count: int

    @property
    def problem(self) -> str | None:
        """What to correct, None if no row contradicts the zone."""
        if not self.contradicting_count:
            return None
        return (
            f"{self.contradicting_count} of {self.row_count} reservations at OpenTable have local "
            f"times that contradict the time zone {self.zone.key}. Choose the zone of the "
            "restaurant."
        )


async def check_time_zone(restaurant: ConnectedRestaurant) -> TimeZoneEvidence:
    """Compare a page of OpenTable's rows, from last week on, with the zone of the settings.

    OpenTable never sends a zone. Each row has a local and a UTC time.
    """
    zone = restaurant.settings.require_zone()
    first_day = restaurant.context.clock().astimezone(zone).date() - _EVIDENCE_LOOKBACK
    query = ListingQuery(scheduled_from=LocalDateTime.from_date(first_day))
    rows = await restaurant.context.opentable.fetch_sample(
        restaurant.access, query, restaurant.deadline
    )
    contradicting_count = sum(has_time_zone_conflict(row, zone) for row in rows)
    return TimeZoneEvidence(zone, len(rows), contradicting_count)


async def probe_connection(restaurant: RestaurantContext) -> ConnectionTestResult:
    """Request a page of reservations with the current credentials, and check the time zone."""
    # A person tests what they just stored: skip the caches.
    restaurant.context.directory.invalidate(restaurant.settings)
    deadline = Deadline.after(CONNECTION_TEST_TIMEOUT_SECONDS)
    started_at = deadline.clock.monotonic()
    row_count, problem, details = 0, None, None
    try:
        evidence = await check_time_zone(await connect_restaurant(restaurant, deadline))
        row_count, problem = evidence.row_count, evidence.problem
    except InvalidSettingsError as error:
        problem = str(error)
    except OpenTableError as error:
        problem, details = _describe_connection_error(error), str(error)
    duration_seconds = deadline.clock.monotonic() - started_at
    return ConnectionTestResult(problem is None, duration_seconds, row_count, problem, details)


def _describe_connection_error(error: OpenTableError) -> str:
    """Return what a person can do about a failed request to OpenTable."""
    if not isinstance(error, OpenTableRequestRejectedError):
        return "OpenTable does not answer at the moment. Try again in a few minutes."
    match error.status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNAUTHORIZED:
            return "OpenTable does not accept the API credential. Enter it again, without spaces."
        case HTTPStatus.FORBIDDEN | HTTPStatus.NOT_FOUND:
            return (
                "OpenTable accepts the API credential, but not for this restaurant. Check the "
                "OpenTable restaurant number (RID), and ask OpenTable to grant access."
            )
        case _:
            return "OpenTable refused the request. Send the details to OpenTable's support."


async def check_webhook_settings(restaurant: ConnectedRestaurant) -> list[str]:
    """Log and return the mistakes in the settings that block webhooks, one sentence each."""
    client, settings = restaurant.firestore, restaurant.settings
    claim = await read_document(paths.rid_claim_document(client, settings.require_rid()))
    claimant = typed_or_none(str, (claim.to_dict() or {}).get("restaurantId"))
    problems = list_webhook_problems(settings, restaurant.access.credentials, claimant)
    for problem in problems:
        log_event(
            Severity.WARNING,
            LogEvent.SETTINGS_WARNING,
            restaurantId=restaurant.id,
            problem=problem,
        )
    return list(problems)


def read_country_codes() -> frozenset[str]:
    """Return the ISO 3166 codes, from the time zone database."""
    return frozenset(code for code, *_ in _read_zone_table("iso3166.tab"))


def resolve_locale(settings: IntegrationSettings) -> str | None:
    """Return the locale for dates and times; by default that of the country or the time zone."""
    if settings.locale is not None:
        return settings.locale
    country = settings.country and settings.country.upper()
    # A person may have stored another text. Browsers reject a locale with it.
    if country not in read_country_codes():
        country = None
    if country is None and settings.zone is not None:
        countries = {zone: code for code, _, zone, *_ in _read_zone_table("zone.tab")}
        country = countries.get(settings.zone.key)
    # The staff page is in English: only the conventions are the country's.
    return None if country is None else f"en-{country}"


@cache
def _read_zone_table(name: str) -> list[list[str]]:
    # The package has these tables on every machine; the system's database may not.
    lines = (files("tzdata") / "zoneinfo" / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
