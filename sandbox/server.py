"""Serve the simulated OpenTable over HTTP.

Paths below ``/_control`` are the simulator's own: state, switches and actions by name.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta
from json import JSONDecodeError
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from sandbox.actions import GuestActions, ReservationActions, VisitActions
from sandbox.fault_injection import FailureKind
from sandbox.http import SandboxRequest
from sandbox.models import SandboxGuest, SandboxReservation
from sandbox.oauth import RateLimit
from sandbox.simulator import Simulator
from sandbox.store import SandboxStore

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_sandbox_app(simulator: Simulator) -> Starlette:
    """Return the ASGI application: the control endpoints, and everything else is OpenTable's."""

    async def answer(http_request: Request) -> Response:
        request = SandboxRequest(
            method=http_request.method,
            path=http_request.url.path,
            query=dict(http_request.query_params),
            headers=dict(http_request.headers),
        )
        response = await run_in_threadpool(simulator.api.handle, request)
        await asyncio.sleep(response.delay_seconds)
        if response.is_dropped:
            return _DroppedResponse()
        return Response(response.body, response.status, dict(response.headers))

    # After the control endpoints, because the first matching route answers.
    catch_all = Route("/{path:path}", answer, methods=_METHODS)
    return Starlette(routes=[*ControlApi(simulator).build_routes(), catch_all])


class _DroppedResponse(Response):
    """Announce a body and never send it, so that the server closes the connection."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


ActionBody = Mapping[str, Any]
ActionResult = SandboxReservation | SandboxGuest | list[SandboxReservation]

RESERVATION_ACTIONS: dict[str, Callable[[ReservationActions, ActionBody], SandboxReservation]] = {
    "book": lambda actions, body: actions.create(
        _parse_time(body["scheduled"]), int(body["party_size"]), guest_key=body.get("guest_key")
    ),
    "move": lambda actions, body: actions.reschedule(body["key"], _parse_time(body["scheduled"])),
    "resize": lambda actions, body: actions.change_party_size(body["key"], int(body["party_size"])),
    "tables": lambda actions, body: actions.assign_tables(body["key"], *body["tables"]),
    "note": lambda actions, body: actions.set_notes(body["key"], body["notes"]),
    "request": lambda actions, body: actions.set_request(body["key"], body["request"]),
    "cancel": lambda actions, body: actions.cancel(body["key"]),
    "uncancel": lambda actions, body: actions.uncancel(body["key"]),
}

VISIT_ACTIONS: dict[
    str, Callable[[VisitActions, ActionBody], SandboxReservation | list[SandboxReservation]]
] = {
    "arrive": lambda actions, body: actions.record_arrival(
        body["key"], everyone=body.get("everyone", True)
    ),
    "seat": lambda actions, body: actions.seat(body["key"]),
    "mark": lambda actions, body: actions.set_state(body["key"], body["state"]),
    "done": lambda actions, body: actions.finish(body["key"]),
    "no_show": lambda actions, body: actions.mark_no_show(body["key"]),
    "walk_in": lambda actions, body: actions.add_walk_in(int(body["party_size"])),
    "sweep": lambda actions, body: actions.close_open_visits(date.fromisoformat(body["day"])),
}

GUEST_ACTIONS: dict[str, Callable[[GuestActions, ActionBody], SandboxGuest]] = {
    "add_guest": lambda actions, body: actions.add(
        body.get("first_name", ""), body.get("last_name", ""), body.get("email", "")
    ),
    "rename": lambda actions, body: actions.rename(
        body["key"], body["first_name"], body["last_name"]
    ),
    "merge": lambda actions, body: actions.merge(body["key"], body["survivor"]),
    "forget": lambda actions, body: actions.forget(body["key"]),
}


def apply_named_action(store: SandboxStore, body: ActionBody) -> ActionResult:
    """Run the action ``body["do"]`` on restaurant ``body["rid"]``.

    Raises:
        KeyError: Unknown action, rid or key, or a missing argument.
        ValueError: An argument cannot be parsed.
    """
    action, rid = body["do"], int(body["rid"])
    store.get_restaurant(rid)
    if action in RESERVATION_ACTIONS:
        return RESERVATION_ACTIONS[action](ReservationActions(store, rid), body)
    if action in VISIT_ACTIONS:
        return VISIT_ACTIONS[action](VisitActions(store, rid), body)
    return GUEST_ACTIONS[action](GuestActions(store, rid), body)


def _parse_time(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("Write 'scheduled' with its offset, e.g. 2026-03-14T19:15:00-04:00.")
    return parsed


class ControlApi:
    """Read and set the switches of one simulator, as JSON over HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def build_routes(self) -> list[Route]:
        """Return the endpoints."""
        handlers = {
            "webhooks": self.set_webhook_faults,
            "faults": self.set_faults,
            "choices": self.set_behavior,
            "mutations": self.apply_action,
            "evening": self.set_speed,
            "clock": self.set_clock_skew,
            "restaurants": self.open_restaurant,
        }
        post_routes = [
            Route(f"/_control/{name}", _json_endpoint(handler), methods=["POST"])
            for name, handler in handlers.items()
        ]
        return [
            Route("/_control", _json_endpoint(self.list_switches), methods=["GET"]),
            Route("/_control/", _json_endpoint(self.list_switches), methods=["GET"]),
            Route("/_control/state", _json_endpoint(self.get_state), methods=["GET"]),
            *post_routes,
        ]

    def list_switches(self, _body: Mapping[str, Any]) -> dict[str, object]:
        """Return every endpoint with what it does and bodies to copy."""
        simulator = self._simulator
        return {
            "GET /_control/state": "Counts of stored rows, received requests and sent webhooks.",
            "POST /_control/webhooks": {
                "does": "Drops, delays, repeats or reorders webhooks. Answers with all switches.",
                "examples": [{"silent": True}, {"silent": False}, {"duplicate": 0.5}],
                "now": _read_switches(simulator.dispatcher.faults),
            },
            "POST /_control/faults": {
                "does": "Fails the next responses of OpenTable's API, or limits their rate.",
                "kinds": [kind.value for kind in FailureKind],
                "examples": [
                    {"kind": "status", "status": 502, "times": 3},
                    {"kind": "delay", "seconds": 2, "times": 10},
                    {"rate_limit": {"per_second": 5}},
                    {"clear": True},
                ],
            },
            "POST /_control/choices": {
                "does": "Chooses behavior that OpenTable does not document.",
                "now": _read_switches(simulator.api.choices),
            },
            "POST /_control/mutations": {
                "does": "Books, changes or cancels a reservation, or changes a guest.",
                "actions": [*RESERVATION_ACTIONS, *VISIT_ACTIONS, *GUEST_ACTIONS],
                "examples": [
                    {"do": "walk_in", "rid": 555001, "party_size": 2},
                    {"do": "cancel", "rid": 555001, "key": "…"},
                ],
            },
            "POST /_control/evening": {
                "does": "Changes the speed, in simulated seconds a second.",
                "examples": [{"speed": 120}],
            },
            "POST /_control/clock": {
                "does": "Sets how far OpenTable's clock runs ahead.",
                "examples": [{"skew_seconds": 90}],
            },
            "POST /_control/restaurants": {
                "does": "Opens a restaurant, or changes the credentials of its webhooks.",
                "examples": [
                    {"rid": 555002, "zone": "Europe/London", "reservations": 300},
                    {"rid": 555002, "authorization": "Bearer …", "signing_secret": ""},
                    {"rid": 555002, "wrong_credential": True},
                ],
            },
        }

    def get_state(self, _body: Mapping[str, Any]) -> dict[str, object]:
        """Return counts of stored rows, received requests and sent webhooks."""
        simulator = self._simulator
        store = simulator.api.store
        return {
            "now": store.now().isoformat(),
            "restaurants": {
                restaurant.rid: Counter(
                    row.state for row in store.list_reservations(restaurant.rid)
                )
                for restaurant in store.list_restaurants()
            },
            "requests": simulator.api.request_counts,
            "webhooks": simulator.dispatcher.counts,
            "evenings": [
                {"at": loop.simulated_time and loop.simulated_time.isoformat(), "speed": loop.speed}
                for loop in simulator.loops
            ],
        }

    def set_webhook_faults(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Set the given webhook faults, e.g. ``{"silent": true}``."""
        return _set_switches(self._simulator.dispatcher.faults, body)

    def set_behavior(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Set the given behavior switches, e.g. ``{"order": "shuffled"}``."""
        return _set_switches(self._simulator.api.choices, body)

    def set_faults(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Script a failure, ``{"rate_limit": {…}}``, or ``{"clear": true}``."""
        faults = self._simulator.api.faults
        if body.get("clear"):
            faults.clear()
        elif "rate_limit" in body:
            faults.rate_limit = RateLimit(**body["rate_limit"])
        else:
            faults.script_failure(
                FailureKind(body["kind"]), **{k: v for k, v in body.items() if k != "kind"}
            )
        return {"status": "ok"}

    def apply_action(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Run an action, e.g. ``{"do": "cancel", "rid": 555001, "key": "…"}``."""
        result = apply_named_action(self._simulator.api.store, body)
        rows = result if isinstance(result, list) else [result]
        return {
            "done": [
                {"key": row.key, "sequence_id": row.sequence_id, "updated": row.updated.isoformat()}
                for row in rows
            ]
        }

    def set_speed(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Set the speed of the service simulations: ``{"speed": 120}``."""
        for loop in self._simulator.loops:
            loop.speed = float(body["speed"])
        return {"speed": float(body["speed"])}

    def set_clock_skew(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Set how far OpenTable's clock runs ahead: ``{"skew_seconds": 90}``."""
        self._simulator.clock.skew = timedelta(seconds=float(body["skew_seconds"]))
        return {"skew_seconds": float(body["skew_seconds"])}

    def open_restaurant(self, body: Mapping[str, Any]) -> dict[str, object]:
        """Add a restaurant, or change the credentials of its webhooks.

        ``{"rid": 555002, "zone": "Europe/London", "reservations": 300}`` adds a new restaurant.
        ``authorization`` (a full header) and ``signing_secret`` replace the credentials, "" sends
        none. ``"wrong_credential": true`` spoils the credentials in use.
        """
        rid = int(body["rid"])
        credentials = {name: body.get(name) for name in ("authorization", "signing_secret")}
        if not all(isinstance(credential, str | None) for credential in credentials.values()):
            raise TypeError("authorization and signing_secret are texts")
        if "zone" in body:
            self._simulator.open_restaurant(rid, body["zone"], int(body.get("reservations", 300)))
        restaurant = self._simulator.api.store.get_restaurant(rid)
        self._simulator.set_webhook_credentials(rid, **credentials)
        if body.get("wrong_credential"):
            self._simulator.spoil_webhook_credentials(rid)
        return {
            "rid": rid,
            "zone": restaurant.zone.key,
            "reservations": len(self._simulator.api.store.list_reservations(rid)),
            "webhookAuth": self._simulator.describe_webhook_credentials(rid),
        }


def _json_endpoint(handler: Any) -> Any:
    async def answer(request: Request) -> JSONResponse:
        try:
            body = await request.json() if request.method == "POST" else {}
            # In a thread: a handler may wait for the store's lock.
            return JSONResponse(await run_in_threadpool(handler, body))
        except KeyError as error:
            text = f"{error.args[0]} is missing or unknown"
        except (JSONDecodeError, TypeError, ValueError) as error:
            text = str(error)
        return JSONResponse({"error": text.removesuffix(".")}, status_code=400)

    return answer


def _set_switches(switches: Any, values: Mapping[str, Any]) -> dict[str, object]:
    names = _read_switches(switches)
    for name, value in values.items():
        if name not in names:
            raise KeyError(name)
        setattr(switches, name, value)
    return _read_switches(switches)


def _read_switches(switches: Any) -> dict[str, object]:
    names = sorted(switch.name for switch in fields(switches) if not switch.name.startswith("_"))
    return {name: getattr(switches, name) for name in names}
