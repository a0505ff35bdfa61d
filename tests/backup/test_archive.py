"""The file of a backup loses no type, and only a complete one of its restaurant is read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import GeoPoint
from google.cloud.firestore_v1.types import Document
from hypothesis import given
from hypothesis import strategies as st

from shared.backup import (
    BackupHeader,
    InvalidBackupError,
    format_document,
    format_header,
    format_trailer,
    iterate_backup_documents,
    read_header,
)
from shared.firestore.codec import decode_fields, encode_fields

HEADER = BackupHeader("restaurant-123", "demo", datetime(2026, 3, 14, 15, tzinfo=UTC))
PATH = "restaurants/restaurant-123/reservations/opentable-ot_1"
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- the bounds have no zone
    | st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


def encode_document(fields: dict[str, Any]) -> Any:
    message = Document.pb()()
    encode_fields(fields, message.fields)
    return message


def lines_of(*paths: str, count: int | None = None) -> list[str]:
    rows = [format_document(path, encode_document({"a": 1})) for path in paths]
    return [*rows, format_trailer(len(paths) if count is None else count)]


def read_backup(lines: list[str]) -> dict[str, Any]:
    found = iterate_backup_documents(lines, "restaurant-123")
    return {path: decode_fields(message.fields) for path, message in found}


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), values))
def test_a_document_is_read_as_it_was_written(fields: dict[str, Any]) -> None:
    lines = [format_document(PATH, encode_document(fields)), format_trailer(1)]
    assert read_backup(lines) == {PATH: fields}


def test_a_header_is_read_as_it_was_written() -> None:
    assert read_header(format_header(HEADER)) == HEADER


@pytest.mark.parametrize(
    "line",
    ["", "[]", "{}", '{"format": "opentable-ledger-backup", "version": 2}', format_trailer(1)],
)
def test_another_file_has_no_header(line: str) -> None:
    with pytest.raises(InvalidBackupError):
        read_header(line)


def test_a_damaged_header_is_no_header() -> None:
    fields = json.loads(format_header(HEADER)) | {"readTime": "yesterday"}
    with pytest.raises(InvalidBackupError, match="damaged"):
        read_header(json.dumps(fields))


@pytest.mark.parametrize("lines", [lines_of(PATH)[:-1], lines_of(PATH, count=2), []])
def test_a_backup_that_was_cut_is_incomplete(lines: list[str]) -> None:
    with pytest.raises(InvalidBackupError, match="incomplete"):
        read_backup(lines)


@pytest.mark.parametrize(
    "path",
    [
        "restaurants/restaurant-124/reservations/opentable-ot_1",
        "restaurants/restaurant-123",
        "restaurants/restaurant-123/reservations",
        "restaurants/restaurant-123/diners/7",
        "restaurants/restaurant-123/reservations/a/../../restaurant-124/staff/b",
        "openTableRids/555001",
    ],
)
def test_a_document_of_something_else_is_rejected(path: str) -> None:
    with pytest.raises(InvalidBackupError, match="does not belong"):
        read_backup(lines_of(path))


@pytest.mark.parametrize("fields", [None, {"a": 1}, {"a": {"integerValue": "marked"}}])
def test_a_damaged_document_is_rejected_without_its_values(fields: object) -> None:
    line = json.dumps({"path": PATH, "fields": fields})
    with pytest.raises(InvalidBackupError, match="Document 1") as error:
        read_backup([line, format_trailer(1)])
    assert "marked" not in str(error.value)


def test_lines_after_the_last_one_are_rejected() -> None:
    with pytest.raises(InvalidBackupError, match="goes on"):
        read_backup([*lines_of(PATH), *lines_of(PATH)])
