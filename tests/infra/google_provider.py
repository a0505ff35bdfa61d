"""A stand-in for the Google provider: Terraform's real plan and apply, without Google.

It serves the published schema (`google_provider_schema.json`) to the terraform program, accepts
every change, and invents the attributes that Google would set. Terraform itself checks names, types
and required arguments, and evaluates every expression.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
import msgspec

from dev.infra.provider_schema import SCHEMA_FILE
from tests.dev.commands import run_program
from tests.infra.terraform_protocol import MESSAGES, METHODS

UPTIME_CHECK_ID = "opentable-staff-api-a1b2c3"
_UNKNOWN = msgspec.msgpack.Ext(0, b"\0")
_NESTING = {"single": 1, "list": 2, "set": 3}
_KEYS = (
    *("slo_id", "account_id", "secret_id", "repository_id", "role_id"),
    *("service", "name", "display_name"),
)
Values = dict[str, Any]


class TerraformError(RuntimeError):
    """Terraform failed; the message is its output."""


class GoogleProvider:
    """Answers Terraform's calls, one method for each."""

    def __init__(self, schema: Mapping[str, Any], *, invents_at_plan: bool) -> None:
        self._schema = schema
        self._invents_at_plan = invents_at_plan
        self._defaults: dict[str, Any] = {}

    def get_schema(self, _request: Any) -> Any:
        def build(block: Mapping[str, Any]) -> Any:
            return MESSAGES["Schema"](block=_block_message(block))

        response = MESSAGES["SchemaResponse"](provider=build(self._schema["provider"]))
        for name, block in self._schema["resource"].items():
            response.resource_schemas.add(key=name, value=build(block))
        for name, block in self._schema["data"].items():
            response.data_source_schemas.add(key=name, value=build(block))
        return response

    def prepare_provider_config(self, request: Any) -> Any:
        return MESSAGES["PreparedConfigResponse"](prepared_config=request.config)

    def configure(self, request: Any) -> Any:
        config = _decode(request.config)
        self._defaults = {name: config[name] for name in ("project", "region")}
        return MESSAGES["DiagnosticsResponse"]()

    def validate_resource_type_config(self, _request: Any) -> Any:
        return MESSAGES["DiagnosticsResponse"]()

    validate_data_source_config = validate_resource_type_config

    def upgrade_resource_state(self, request: Any) -> Any:
        return _state(json.loads(request.raw_state.json))

    def read_resource(self, request: Any) -> Any:
        return MESSAGES["StateResponse"](state=request.current_state)

    def plan_resource_change(self, request: Any) -> Any:
        proposed = _decode(request.proposed_new_state)
        if proposed is None:  # to be deleted
            return _state(None)
        prior = _decode(request.prior_state) or {}
        attributes = self._schema["resource"][request.type_name]["attributes"]
        for name, attribute in attributes.items():
            if attribute.get("computed") and proposed[name] is None:
                known = prior.get(name)
                new = self._invent(name, proposed) if self._invents_at_plan else _UNKNOWN
                proposed[name] = known if known is not None else new
        return _state(proposed)

    def apply_resource_change(self, request: Any) -> Any:
        return MESSAGES["StateResponse"](state=request.planned_state)

    def import_resource_state(self, request: Any) -> Any:
        block = self._schema["resource"][request.type_name]
        state: Values = dict.fromkeys(block["attributes"])
        state |= {
            name: None if nested["nesting"] == "single" else []
            for name, nested in block["blocks"].items()
        }
        # An id ends with the name, except in parts that an email address adds.
        key = request.id.rpartition("/")[2].partition("@")[0]
        state |= {name: key for name in _KEYS if name in state} | {"id": request.id}
        response = MESSAGES["ImportResponse"]()
        response.imported_resources.add(type_name=request.type_name, state=_dynamic(state))
        return response

    def stop(self, _request: Any) -> Any:
        return MESSAGES["Empty"]()

    def _invent(self, name: str, values: Values) -> Any:
        """Return what Google would set, None for an attribute that no test needs."""
        key = next((values[key] for key in _KEYS if isinstance(values.get(key), str)), "x")
        project = self._defaults["project"]
        invented = {
            **self._defaults,
            "email": f"{key}@{project}.iam.gserviceaccount.com",
            "uri": f"https://{key}-a1b2c3.a.run.app",
            "uptime_check_id": UPTIME_CHECK_ID,
            "id": f"projects/{project}/{key}",
            "name": f"projects/{project}/{key}",
        }
        return invented.get(name)


@dataclass(frozen=True, slots=True)
class Terraform:
    """The terraform program in a folder with a copy of a configuration.

    Attributes:
        environment: Environment variables that lead Terraform to the stand-in.
    """

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Return the output of a command.

        Raises:
            TerraformError: It failed.
        """
        environment = {**os.environ, **self.environment}
        completed = run_program("terraform", *arguments, cwd=self.folder, env=environment)
        if completed.returncode:
            raise TerraformError(completed.stdout + completed.stderr)
        return completed.stdout

    def plan(self, variables: Path, *options: str) -> Values:
        """Return the plan for an environment as Terraform writes it in JSON."""
        self.run("plan", "-out=saved.plan", "-input=false", f"-var-file={variables}", *options)
        return dict(json.loads(self.run("show", "-json", "saved.plan")))


@contextlib.contextmanager
def use_terraform(folder: Path, *, invents_at_plan: bool = True) -> Iterator[Terraform]:
    """Serve the stand-in, and initialize a folder with a configuration, for a `with` block.

    The state is a local file: no test reaches the bucket of the backend.

    Args:
        invents_at_plan: A plan has the attributes that Google sets. Without it they are unknown
            until an apply, as in a new project.
    """
    (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    schema = json.loads(SCHEMA_FILE.read_text())
    server = grpc.server(futures.ThreadPoolExecutor())
    provider = GoogleProvider(schema, invents_at_plan=invents_at_plan)
    server.add_generic_rpc_handlers([_handlers(provider)])
    socket = folder / "provider.sock"
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    reattach = {
        "registry.terraform.io/hashicorp/google": {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": str(socket)},
        }
    }
    empty_config = folder / "terraform.rc"
    empty_config.touch()
    environment = {
        "TF_REATTACH_PROVIDERS": json.dumps(reattach),
        "TF_CLI_CONFIG_FILE": str(empty_config),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    terraform = Terraform(folder, environment)
    try:
        terraform.run("init", "-input=false", "-no-color")
        yield terraform
    finally:
        server.stop(None)


def _handlers(provider: GoogleProvider) -> grpc.GenericRpcHandler:
    def handler(name: str, request: str, response: str) -> grpc.RpcMethodHandler:
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        method: Callable[[Any], Any] = getattr(provider, words.lstrip("_"))
        return grpc.unary_unary_rpc_method_handler(
            lambda message, _context: method(message),
            request_deserializer=MESSAGES[request].FromString,
            response_serializer=MESSAGES[response].SerializeToString,
        )

    return grpc.method_handlers_generic_handler(
        "tfplugin5.Provider", {name: handler(name, *kinds) for name, kinds in METHODS.items()}
    )


def _block_message(block: Mapping[str, Any]) -> Any:
    message = MESSAGES["Block"]()
    for name, attribute in block["attributes"].items():
        flags = {word: attribute.get(word, False) for word in ("required", "optional", "computed")}
        message.attributes.add(name=name, type=json.dumps(attribute["type"]).encode(), **flags)
    for name, nested in block["blocks"].items():
        message.block_types.add(
            type_name=name,
            block=_block_message(nested),
            nesting=_NESTING[nested["nesting"]],
            min_items=int(nested["required"] and nested["nesting"] != "single"),
            max_items=int(nested["single"] and nested["nesting"] != "single"),
        )
    return message


def _decode(value: Any) -> Any:
    return msgspec.msgpack.decode(value.msgpack)


def _dynamic(value: Any) -> Any:
    return MESSAGES["DynamicValue"](msgpack=msgspec.msgpack.encode(value))


def _state(value: Any) -> Any:
    return MESSAGES["StateResponse"](state=_dynamic(value))
