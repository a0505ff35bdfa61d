"""The documents of a day are followed by Firestore's documented Listen protocol.

The emulator never resumes a listener, so a server of the protocol stands in for Firestore here.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore_v1.types import (
    Document,
    DocumentChange,
    DocumentDelete,
    ExistenceFilter,
    ListenResponse,
    TargetChange,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.days import DayVersions, ServiceDay
from shared.ledger.day_reservations import read_day_versions
from tests.support.firestore import make_client

pytestmark = pytest.mark.usefixtures("emulator")  # its address; the Listen call is simulated

DAY = ServiceDay(date(2026, 3, 14), time(4), ZoneInfo("America/New_York"))
START = datetime(2026, 3, 14, tzinfo=UTC)
_Type = TargetChange.TargetChangeType


class ListenServer:
    """Documents of two targets, and their history.

    `sent_documents` counts the documents that were sent: Firestore bills a read for each.
    """

    def __init__(self) -> None:
        self.now = 0
        self.parts: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self.changes: list[tuple[int, int, str, bool]] = []
        self.reset = self.forgets_deletions = False
        self.sent_documents = 0

    def write(self, target: int, name: str) -> None:
        self.now += 1
        self.parts[target - 1][name] = self.now
        self.changes.append((self.now, target, name, True))

    def delete(self, target: int, name: str) -> None:
        self.now += 1
        if self.parts[target - 1].pop(name, None) is not None:
            self.changes.append((self.now, target, name, False))

    def versions(self) -> list[dict[str, str]]:
        return [
            {name: str(seconds_after_start(number)) for name, number in part.items()}
            for part in self.parts
        ]

    async def listen(self, requests: AsyncIterator[Any], **_: Any) -> "ListenCall":
        targets = [(await anext(requests)).add_target for _ in range(2)]
        return ListenCall(self._respond([bytes(target.resume_token) for target in targets]))

    async def _respond(self, tokens: list[bytes]) -> AsyncIterator[ListenResponse]:
        for target, token in enumerate(tokens, start=1):
            yield target_change(_Type.ADD, target)
            if not token or self.reset:
                yield target_change(_Type.RESET, target)
                for name, number in self.parts[target - 1].items():
                    yield self._send(target, name, number)
            else:
                for number, changed_target, name, is_present in self.changes:
                    if changed_target != target or number <= int(token):
                        continue
                    if not is_present and not self.forgets_deletions:
                        yield delete(target, name)
                    elif is_present and self.parts[target - 1].get(name) == number:
                        yield self._send(target, name, number)
                count = len(self.parts[target - 1])
                yield ListenResponse(filter=ExistenceFilter(target_id=target, count=count))
            yield target_change(_Type.CURRENT, target)
        token = str(self.now).encode()
        yield ListenResponse(
            target_change=TargetChange(resume_token=token, read_time=seconds_after_start(self.now))
        )
        await asyncio.Event().wait()

    def _send(self, target: int, name: str, number: int) -> ListenResponse:
        self.sent_documents += 1
        document = Document(name=f"projects/p/{name}", update_time=seconds_after_start(number))
        return ListenResponse(
            document_change=DocumentChange(document=document, target_ids=[target])
        )


class ListenCall:
    def __init__(self, responses: AsyncIterator[ListenResponse]) -> None:
        self._responses = responses
        self.is_cancelled = False

    def __aiter__(self) -> AsyncIterator[ListenResponse]:
        return self._responses

    def cancel(self) -> None:
        self.is_cancelled = True


def seconds_after_start(number: int) -> datetime:
    return START + timedelta(seconds=number)


def target_change(kind: int, target: int) -> ListenResponse:
    return ListenResponse(target_change=TargetChange(target_change_type=kind, target_ids=[target]))


def delete(target: int, name: str) -> ListenResponse:
    document = f"projects/p/{name}"
    return ListenResponse(
        document_delete=DocumentDelete(document=document, removed_target_ids=[target])
    )


async def read_versions(server: ListenServer, previous: DayVersions | None = None) -> DayVersions:
    client = make_client("demo-listen", server)
    return await read_day_versions(client, "restaurant-1", DAY, previous)


async def test_an_unchanged_day_is_followed_without_a_document() -> None:
    server = ListenServer()
    for number in range(150):
        server.write(1, f"r-{number}")
    first = await read_versions(server)
    server.sent_documents = 0
    assert (await read_versions(server, first)).parts == first.parts
    assert server.sent_documents == 0


async def test_a_change_is_followed_by_the_changed_document_only() -> None:
    server = ListenServer()
    for number in range(150):
        server.write(1, f"r-{number}")
    first = await read_versions(server)
    server.sent_documents = 0
    server.write(1, "r-7")
    later = await read_versions(server, first)
    assert (list(later.parts), server.sent_documents) == (server.versions(), 1)


steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "delete", "reset", "forget", "read"]),
        st.sampled_from([1, 2]),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=30,
)


@settings(max_examples=50, deadline=None)
@given(steps)
def test_every_read_shows_the_current_documents(
    steps: list[tuple[str, int, str]],
) -> None:
    asyncio.run(_follow_steps(steps))


async def _follow_steps(steps: list[tuple[str, int, str]]) -> None:
    server, known = ListenServer(), None
    for step, target, name in [*steps, ("read", 1, "a")]:
        match step:
            case "write":
                server.write(target, name)
            case "delete":
                server.delete(target, name)
            case "reset":
                server.reset = not server.reset
            case "forget":
                server.forgets_deletions = not server.forgets_deletions
            case _:
                known = await read_versions(server, known)
                assert list(known.parts) == server.versions()
