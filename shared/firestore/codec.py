"""Convert values and queries to Firestore's protocol buffers, and values back.

The client library passes every value through two layers of wrappers, which cost as much CPU as the
rest of a webhook. The functions below write protocol buffers directly; property tests compare them
with the library's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import And, GeoPoint, Or
from google.cloud.firestore_v1.base_query import BaseFilter
from google.cloud.firestore_v1.types import StructuredQuery, Value

_OPERATORS = {
    "==": StructuredQuery.FieldFilter.Operator.EQUAL,
    "<": StructuredQuery.FieldFilter.Operator.LESS_THAN,
    "<=": StructuredQuery.FieldFilter.Operator.LESS_THAN_OR_EQUAL,
    ">=": StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
    "in": StructuredQuery.FieldFilter.Operator.IN,
}
_ValuePb = Value.pb()  # the generated class under the library's wrapper


def build_query(
    collection_id: str, fields: Iterable[str], filters: Sequence[BaseFilter] = ()
) -> StructuredQuery:
    """Return a query for some fields of the documents that pass all filters.

    Operators: `==` (None included), `<`, `<=`, `>=` and `in`.
    """
    where = None
    if filters:
        where = _build_condition(filters[0] if len(filters) == 1 else And(list(filters)))
    return StructuredQuery(
        select={"fields": [{"field_path": field} for field in fields]},
        from_=[{"collection_id": collection_id}],
        where=where,
    )


def _build_condition(condition: Any) -> dict[str, Any]:
    """Return a `FieldFilter`, an `And` or an `Or` as a part of a query."""
    if isinstance(condition, And | Or):
        parts = [_build_condition(part) for part in condition.filters]
        return {"composite_filter": {"op": condition.operator, "filters": parts}}
    field = {"field_path": condition.field_path}
    if condition.value is None:  # the library turned `==` into the operator IS_NULL
        return {"unary_filter": {"field": field, "op": condition.op_string}}
    value = _ValuePb()
    _encode_value(condition.value, value)
    operator = _OPERATORS[condition.op_string]
    return {"field_filter": {"field": field, "op": operator, "value": Value.wrap(value)}}


def encode_fields(fields: Mapping[str, Any], target: Any) -> None:
    """Write values into the `fields` map of a protocol buffer.

    Raises:
        TypeError: Firestore has no such type of value.
    """
    for name, value in fields.items():
        _encode_value(value, target[name])


def _encode_value(value: Any, target: Any) -> None:  # noqa: C901, PLR0912 -- one branch per type
    if value is None:
        target.null_value = 0
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):  # before int, its base class
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, datetime):
        target.timestamp_value = value
    elif isinstance(value, dict):
        target.map_value.SetInParent()  # an empty map is a value too
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
        raise TypeError(f"Firestore cannot store a value of type {type(value).__name__}.")


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a `fields` map.

    The bundle writes no references. Those of other programs stay protocol buffers, which
    `encode_fields` writes back unchanged.
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
