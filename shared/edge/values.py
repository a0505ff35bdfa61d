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

_Value = Value.pb()


def put(fields: Mapping[str, Any], into: Any) -> None:
    """Write values into a protocol buffer's map of fields.

    Args:
        fields: Name to value.
        into: The map, of a document or of a value that is a map.

    Raises:
        TypeError: When a value is of a kind that Firestore does not have.
    """
    for name, value in fields.items():
        _put(value, into[name])


def _put(value: Any, into: Any) -> None:  # noqa: C901, PLR0912 -- one line a kind
    if value is None:
        into.null_value = 0
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):  # before int, of which it is a kind
        into.boolean_value = value
    elif isinstance(value, int):
        into.integer_value = value
    elif isinstance(value, datetime):
        into.timestamp_value = value
    elif isinstance(value, dict):
        into.map_value.SetInParent()
        put(value, into.map_value.fields)
    elif isinstance(value, list):
        into.array_value.SetInParent()
        for item in value:
            _put(item, into.array_value.values.add())
    elif isinstance(value, float):
        into.double_value = value
    elif isinstance(value, bytes):
        into.bytes_value = value
    elif isinstance(value, GeoPoint):
        into.geo_point_value.CopyFrom(value.to_protobuf())
    elif isinstance(value, _Value):
        into.CopyFrom(value)
    else:
        raise TypeError(f"Firestore has no value such as a {type(value).__name__}")


def taken(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a protocol buffer's map of fields holds.

    Args:
        fields: The map. A reference in it, of which the bundle writes none, stays as it is, so
            that it can be written again.
    """
    return {name: _taken(value) for name, value in fields.items()}


def _taken(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "map_value":
        return taken(value.map_value.fields)
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(UTC)
    if kind == "array_value":
        return [_taken(item) for item in value.array_value.values]
    if kind == "geo_point_value":
        return GeoPoint(value.geo_point_value.latitude, value.geo_point_value.longitude)
    return value if kind == "reference_value" else getattr(value, kind)
