"""The messages of Terraform's plugin protocol 5 that a provider without functions needs.

Field numbers are those of `tfplugin5.proto` in hashicorp/terraform-plugin-go.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bytes": _FIELD.TYPE_BYTES,
    "string": _FIELD.TYPE_STRING,
    "int64": _FIELD.TYPE_INT64,
    "bool": _FIELD.TYPE_BOOL,
}
# "*" marks a repeated field. A map is a repeated message with the fields key and value.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "DynamicValue": {"msgpack": (1, "bytes")},
    "Diagnostic": {"severity": (1, "int64"), "summary": (2, "string"), "detail": (3, "string")},
    "RawState": {"json": (1, "bytes")},
    "Attribute": {
        "name": (1, "string"),
        "type": (2, "bytes"),
        "required": (4, "bool"),
        "optional": (5, "bool"),
        "computed": (6, "bool"),
    },
    "NestedBlock": {
        "type_name": (1, "string"),
        "block": (2, "Block"),
        "nesting": (3, "int64"),
        "min_items": (4, "int64"),
        "max_items": (5, "int64"),
    },
    "Block": {"attributes": (2, "*Attribute"), "block_types": (3, "*NestedBlock")},
    "Schema": {"version": (1, "int64"), "block": (2, "Block")},
    "SchemaEntry": {"key": (1, "string"), "value": (2, "Schema")},
    "Empty": {},
    "SchemaResponse": {
        "provider": (1, "Schema"),
        "resource_schemas": (2, "*SchemaEntry"),
        "data_source_schemas": (3, "*SchemaEntry"),
    },
    "ConfigRequest": {"config": (1, "DynamicValue")},
    "TypedConfigRequest": {"type_name": (1, "string"), "config": (2, "DynamicValue")},
    "PreparedConfigResponse": {"prepared_config": (1, "DynamicValue")},
    "ConfigureRequest": {"config": (2, "DynamicValue")},
    "DiagnosticsResponse": {"diagnostics": (1, "*Diagnostic")},
    "UpgradeRequest": {"type_name": (1, "string"), "raw_state": (3, "RawState")},
    "StateResponse": {"state": (1, "DynamicValue")},
    "ReadRequest": {"type_name": (1, "string"), "current_state": (2, "DynamicValue")},
    "PlanRequest": {
        "type_name": (1, "string"),
        "prior_state": (2, "DynamicValue"),
        "proposed_new_state": (3, "DynamicValue"),
    },
    "ApplyRequest": {"type_name": (1, "string"), "planned_state": (3, "DynamicValue")},
    "ImportRequest": {"type_name": (1, "string"), "id": (2, "string")},
    "ImportedResource": {"type_name": (1, "string"), "state": (2, "DynamicValue")},
    "ImportResponse": {"imported_resources": (1, "*ImportedResource")},
}
# Request and response of each method.
METHODS = {
    "GetSchema": ("Empty", "SchemaResponse"),
    "PrepareProviderConfig": ("ConfigRequest", "PreparedConfigResponse"),
    "ValidateResourceTypeConfig": ("TypedConfigRequest", "DiagnosticsResponse"),
    "ValidateDataSourceConfig": ("TypedConfigRequest", "DiagnosticsResponse"),
    "Configure": ("ConfigureRequest", "DiagnosticsResponse"),
    "UpgradeResourceState": ("UpgradeRequest", "StateResponse"),
    "ReadResource": ("ReadRequest", "StateResponse"),
    "PlanResourceChange": ("PlanRequest", "StateResponse"),
    "ApplyResourceChange": ("ApplyRequest", "StateResponse"),
    "ImportResourceState": ("ImportRequest", "ImportResponse"),
    "Stop": ("Empty", "Empty"),
}


def _build_messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="tfplugin5_subset.proto", package="tfplugin5_subset", syntax="proto3"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = _FIELD.LABEL_REPEATED if kind[0] == "*" else _FIELD.LABEL_OPTIONAL
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = f".tfplugin5_subset.{kind.lstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"tfplugin5_subset.{name}")
        )
        for name in _MESSAGES
    }


MESSAGES = _build_messages()
