"""The codec and the queries equal those of the client library."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, FieldFilter, GeoPoint, Or
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Document
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import Actor
from shared.firestore.codec import build_query, decode_fields, encode_fields
from shared.firestore.raw_client import connect_firestore

EARLIEST, LATEST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 -- Hypothesis adds it
moments = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | moments
)
# Firestore rejects a list as an element of a list.
values = st.recursive(
    scalars, lambda inner: st.dictionaries(st.text("abc", min_size=1), inner) | st.lists(scalars)
)
documents = st.dictionaries(st.text("abc", min_size=1), values)


def encoded_document(fields: dict[str, Any]) -> Any:
    document = Document.pb()()
    encode_fields(fields, document.fields)
    return document


@given(documents)
def test_encoding_equals_the_client_library(fields: dict[str, Any]) -> None:
    assert encoded_document(fields) == Document.pb(Document(fields=_helpers.encode_dict(fields)))


@given(documents)
def test_encoded_values_decode_to_the_input(fields: dict[str, Any]) -> None:
    assert decode_fields(encoded_document(fields).fields) == fields


@given(documents)
def test_decoding_equals_the_client_library(fields: dict[str, Any]) -> None:
    assert decode_fields(encoded_document(fields).fields) == _helpers.decode_dict(
        encoded_document(fields).fields, None
    )


def test_a_boolean_is_not_encoded_as_a_number() -> None:
    assert decode_fields(encoded_document({"a": True, "b": 1}).fields) == {"a": True, "b": 1}
    assert encoded_document({"a": True}) != encoded_document({"a": 1})


def test_an_enum_member_is_encoded_as_text() -> None:
    assert decode_fields(encoded_document({"actor": Actor.RELAY}).fields) == {"actor": "RELAY"}


def test_an_instant_is_aware_and_keeps_its_microseconds() -> None:
    at = datetime(2026, 3, 14, 23, 15, 0, 123_456, UTC)
    assert decode_fields(encoded_document({"at": at}).fields)["at"].isoformat() == at.isoformat()


def test_a_geo_point_written_by_another_client_is_preserved() -> None:
    fields = {"place": GeoPoint(40.7, -74.0)}
    assert decode_fields(encoded_document(fields).fields) == fields


def test_a_reference_written_by_another_client_is_preserved() -> None:
    theirs = Document.pb()()
    theirs.fields["table"].reference_value = "projects/p/databases/(default)/documents/tables/12"
    assert encoded_document(decode_fields(theirs.fields)) == theirs


def test_a_value_of_no_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        encoded_document({"a": {1, 2}})


@pytest.mark.parametrize(
    "filters",
    [
        [],
        [FieldFilter("localDate", "in", ["2026-03-14", "2026-03-15"])],
        [FieldFilter("startAt", "==", None)],
        [FieldFilter("localDate", ">=", "2026-03-14"), FieldFilter("localDate", "<=", "2026-04")],
        [FieldFilter("localDate", "==", "2026-03-14"), FieldFilter("startAt", "<", "2026-03-15")],
        [Or([FieldFilter("localDate", "==", "2026-03-14"), FieldFilter("localDate", "==", None)])],
    ],
)
def test_a_query_equals_the_client_library(
    firestore: AsyncClient, filters: list[FieldFilter | Or]
) -> None:
    query = firestore.collection("restaurants", "r", "reservations").select(
        ["source", "sync.guest"]
    )
    for each in filters:
        query = query.where(filter=each)
    assert build_query("reservations", ["source", "sync.guest"], filters) == query._to_protobuf()


async def test_without_an_emulator_calls_go_to_google() -> None:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # its package is untyped
    transport: Any = connect_firestore(credentials, None).transport
    assert transport.host == "firestore.googleapis.com:443"
    await transport.close()
