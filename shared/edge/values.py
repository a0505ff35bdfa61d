"""Firestore's values, straight into protocol buffers and back.

The client library puts every single value through two layers of wrappers. That took as much
processor time as everything else that an event costs, server and framework included, so the
ledger's documents go this way; all other documents go the library's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import GeoPoint
from google.cloud.firestore_v1.types import Value

_ValuePb = Value.pb()


def encode_fields(fields: Mapping[str, Any], target: Any) -> None:
    """Write values into a protocol buffer's map of fields.

    Args:
        fields: Name to value.
        target: The map, of a document or of a value that is a map.

    Raises:
        TypeError: When a value is of a kind that Firestore does not have.
    """
    for name, value in fields.items():
        _encode_value(value, target[name])


def _encode_value(value: Any, target: Any) -> None:  # noqa: C901, PLR0912 -- one line a kind
    if value is None:
        target.null_value = 0
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):  # before int, of which it is a kind
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, datetime):
        target.timestamp_value = value
    elif isinstance(value, dict):
        target.map_value.SetInParent()
        encode_fields(value, target.map_value.fields)
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _encode_value(item, target.array_value.values.add())
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, GeoPoint):
        target.geo_point_value.CopyFrom(value.to_protobuf())
    elif isinstance(value, _ValuePb):
        target.CopyFrom(value)
    else:
        raise TypeError(f"Firestore has no value such as a {type(value).__name__}")


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a protocol buffer's map of fields holds.

    Args:
        fields: The map. A reference in it, of which the bundle writes none, stays as it is, so
            that it can be written again.
    """
    return {name: _decode_value(value) for name, value in fields.items()}


def _decode_value(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "map_value":
        return decode_fields(value.map_value.fields)
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(UTC)
    if kind == "array_value":
        return [_decode_value(item) for item in value.array_value.values]
    if kind == "geo_point_value":
        return GeoPoint(value.geo_point_value.latitude, value.geo_point_value.longitude)
    return value if kind == "reference_value" else getattr(value, kind)
