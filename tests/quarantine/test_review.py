"""Two managers settle or view the same quarantined event at the same time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import AsyncDocumentReference

from shared.firestore.paths import quarantine_collection
from shared.quarantine.review import MAX_RECORDED_VIEWS, QuarantineReview
from shared.staff.identity import AuthenticatedUser
from tests.support.firestore import FirestoreSpy
from tests.support.restaurants import Restaurant

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
MARA = AuthenticatedUser("mara", is_operator=False)
MAX = AuthenticatedUser("max", is_operator=False)


@pytest.fixture
def review(firestore_spy: FirestoreSpy, restaurant: Restaurant) -> QuarantineReview:
    return QuarantineReview(firestore_spy.client, restaurant.id, lambda: NOON)


@pytest.fixture
async def item(firestore_spy: FirestoreSpy, restaurant: Restaurant) -> AsyncDocumentReference:
    """The document of an open item."""
    reference = quarantine_collection(firestore_spy.client, restaurant.id).document("item")
    await reference.set({"status": "OPEN", "body": "{}"})
    return reference


async def read_document_fields(reference: AsyncDocumentReference) -> dict[str, Any]:
    return (await reference.get()).to_dict() or {}


async def test_a_dismissal_keeps_the_record_of_a_concurrent_replay(
    review: QuarantineReview, firestore_spy: FirestoreSpy, item: AsyncDocumentReference
) -> None:
    async def mark_replayed() -> None:
        await item.update({"status": "REPLAYED", "resolvedBy": "max"})

    firestore_spy.before_commit.append(mark_replayed)
    assert await review.dismiss("item", "Our own test", MARA) == "REPLAYED"
    assert await read_document_fields(item) == {
        "status": "REPLAYED",
        "resolvedBy": "max",
        "body": "{}",
    }


async def test_an_item_is_dismissed_once(
    review: QuarantineReview, item: AsyncDocumentReference
) -> None:
    assert await review.dismiss("item", "first", MARA) == "OPEN"
    assert await review.dismiss("item", "second", MAX) == "DISMISSED"
    assert (await read_document_fields(item))["dismissReason"] == "first"


async def test_an_item_repeated_during_its_dismissal_is_dismissed(
    review: QuarantineReview, firestore_spy: FirestoreSpy, item: AsyncDocumentReference
) -> None:
    async def repeat() -> None:
        await item.update({"count": 2})

    firestore_spy.before_commit.append(repeat)
    assert await review.dismiss("item", "Our own test", MARA) == "OPEN"
    assert (await read_document_fields(item))["status"] == "DISMISSED"


async def test_concurrent_views_are_all_recorded(
    review: QuarantineReview, firestore_spy: FirestoreSpy, item: AsyncDocumentReference
) -> None:
    async def view_as_max() -> None:
        await review.record_view("item", MAX)

    firestore_spy.before_commit.append(view_as_max)
    views = await review.record_view("item", MARA)
    assert views == [{"by": "max", "at": NOON}, {"by": "mara", "at": NOON}]
    assert (await read_document_fields(item))["unmaskLog"] == views


async def test_the_newest_views_are_kept(
    review: QuarantineReview, item: AsyncDocumentReference
) -> None:
    await item.update({"unmaskLog": [{"by": "old", "at": NOON}] * MAX_RECORDED_VIEWS})
    views = await review.record_view("item", MARA)
    assert (len(views), views[-1]["by"]) == (MAX_RECORDED_VIEWS, "mara")


async def test_a_view_of_a_deleted_item_creates_no_document(
    review: QuarantineReview, item: AsyncDocumentReference
) -> None:
    await item.delete()
    assert await review.record_view("item", MARA) == []
    assert not (await item.get()).exists
