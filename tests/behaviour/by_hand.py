"""The ways by which a person makes a change, under the same interface."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from shared.edge import paths
from shared.edge.intake import JSON_MEDIA_TYPE
from shared.edge.staff.cancelling import cancel_native_reservation
from shared.edge.staff.replaying import replay_quarantined_event
from shared.edge.staff.tokens import AuthenticatedUser
from shared.errors import InvalidEventError
from tests.behaviour.sources import OpenTables
from tests.behaviour.telling import Telling, as_envelope, as_row
from tests.functions.api.book import write_own
from tests.world import World

_BECAUSE_IT_CANCELS = "staff cancel Lineup's own reservations, now, and say nothing else"


class ReplayedEnvelope(OpenTables):
    """A relay's envelope out of the quarantine; what is refused again is told and stays there."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._refused: list[str] = []

    async def say(self, telling: Telling) -> None:
        services, restaurant_id = self._world.services, self._world.restaurant.id
        body, rejection = self._body(telling), InvalidEventError("held_back", "By the test.")
        kept = await services.quarantine(restaurant_id).add(
            json.dumps(body), JSON_MEDIA_TYPE, rejection
        )
        item = (
            await paths.quarantine_collection(services.firestore, restaurant_id)
            .document(kept.id)
            .get()
        )
        try:
            await replay_quarantined_event(services, self._world.settings(), item.to_dict() or {})
        except InvalidEventError as error:
            self._refused.append(error.reason)

    async def refusals(self) -> list[str]:
        return self._refused

    def _body(self, telling: Telling) -> dict[str, Any]:
        return as_envelope(telling, self._world.restaurant.id)


class ReplayedObject(ReplayedEnvelope):
    """OpenTable's own object out of the quarantine."""

    def _body(self, telling: Telling) -> dict[str, Any]:
        return as_row(telling, self._world.restaurant.rid)


class Staff:
    """A cancellation by the staff; its request's key is the event's id, its reason the content."""

    cannot: ClassVar[Mapping[str, str]] = {
        "test_old_never_overwrites_new": _BECAUSE_IT_CANCELS,
        "test_a_partial_body_leaves_the_rest_as_it_was": _BECAUSE_IT_CANCELS,
        "test_an_unknown_state_is_kept_as_a_word_and_changes_no_status": _BECAUSE_IT_CANCELS,
        "test_cancelled_stays_cancelled_when_an_older_event_comes_late": _BECAUSE_IT_CANCELS,
        "test_a_newer_event_revives_what_was_cancelled": _BECAUSE_IT_CANCELS,
        "test_unknown_fields_are_ignored": "the request's model refuses them before this",
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._refused: list[str] = []

    async def say(self, telling: Telling) -> None:
        if not await self.document():
            await write_own(self._world)
        try:
            await cancel_native_reservation(
                self._world.services,
                self._world.settings(),
                "own-1",
                user=AuthenticatedUser("staff-1", is_operator=False),
                reason=f"a party of {telling.said.get('partySize')}",
                idempotency_key=str(telling.version),
            )
        except InvalidEventError as error:
            self._refused.append(error.reason)

    async def document(self) -> dict[str, Any]:
        return (await self._own().get()).to_dict() or {}

    async def journal(self) -> dict[str, dict[str, Any]]:
        entries = paths.journal_collection(self._own()).stream()
        return {entry.id: entry.to_dict() or {} async for entry in entries}

    async def refusals(self) -> list[str]:
        return self._refused

    def _own(self) -> Any:
        reservations = paths.reservations_collection(
            self._world.services.firestore, self._world.restaurant.id
        )
        return reservations.document("own-1")
