"""The control endpoints under ``/_control/``: what the sandbox holds, and its switches."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from json import JSONDecodeError
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dev.sandbox.faults import Kind
from dev.sandbox.limits import RateLimit
from dev.sandbox.mutations import mutate
from dev.sandbox.records import Guest, Reservation
from dev.sandbox.station import Station


class Control:
    """Reads and turns the switches of one station, as JSON over HTTP."""

    def __init__(self, station: Station) -> None:
        """Control ``station``."""
        self._station = station

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        posts = {
            "webhooks": self.webhooks,
            "faults": self.faults,
            "choices": self.choices,
            "mutations": self.mutations,
            "evening": self.evening,
            "clock": self.clock,
            "restaurants": self.restaurants,
        }
        answers = [
            Route(f"/_control/{name}", _posted(act), methods=["POST"])
            for name, act in posts.items()
        ]
        return [Route("/_control/state", _posted(self.state), methods=["GET"]), *answers]

    def state(self, _said: Mapping[str, Any]) -> dict[str, object]:
        """Return what is held, what was asked and what was sent."""
        station = self._station
        book = station.sandbox.book
        return {
            "now": book.now().isoformat(),
            "restaurants": {
                one.rid: Counter(row.state for row in book.reservations(one.rid))
                for one in book.restaurants()
            },
            "requests": station.sandbox.counts,
            "webhooks": station.courier.counts,
            "evenings": [
                {"at": life.at and life.at.isoformat(), "speed": life.speed}
                for life in station.lives
            ],
        }

    def webhooks(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Set the switches of chaos that are named, e.g. ``{"silent": true}``."""
        return _turn(self._station.courier.chaos, said)

    def choices(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Set the undocumented choices that are named, e.g. ``{"order": "shuffled"}``."""
        return _turn(self._station.sandbox.choices, said)

    def faults(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Script a failure, ``{"rate_limit": {…}}``, or ``{"clear": true}``."""
        faults = self._station.sandbox.faults
        if said.get("clear"):
            faults.clear()
        elif "rate_limit" in said:
            faults.rate_limit = RateLimit(**said["rate_limit"])
        else:
            faults.fail(Kind(said["kind"]), **{k: v for k, v in said.items() if k != "kind"})
        return {"status": "ok"}

    def mutations(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Carry out an act on the book, e.g. ``{"do": "cancel", "rid": 555001, "key": "…"}``."""
        done = mutate(self._station.sandbox.book, said)
        return {"done": [_named(one) for one in (done if isinstance(done, list) else [done])]}

    def evening(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Set the evenings' speed: ``{"speed": 120}``."""
        for life in self._station.lives:
            life.speed = float(said["speed"])
        return {"speed": float(said["speed"])}

    def clock(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Set how far OpenTable's clock runs ahead: ``{"skew_seconds": 90}``."""
        self._station.clock.skew = timedelta(seconds=float(said["skew_seconds"]))
        return {"skew_seconds": float(said["skew_seconds"])}

    def restaurants(self, said: Mapping[str, Any]) -> dict[str, object]:
        """Open a restaurant, and tell with which credentials its webhooks are sent.

        ``{"rid": 555002, "zone": "Europe/London", "reservations": 300}`` opens one that is not
        open yet; ``authorization`` (a whole header) and ``signing_secret`` change what is sent.
        """
        rid = int(said["rid"])
        proofs = {name: said.get(name) for name in ("authorization", "signing_secret")}
        if not all(isinstance(proof, str | None) for proof in proofs.values()):
            raise TypeError("authorization and signing_secret are texts")
        if "zone" in said:
            self._station.open(rid, said["zone"], int(said.get("reservations", 300)))
        self._station.sandbox.book.restaurant(rid)
        self._station.tell(rid, **proofs)
        return {"rid": rid, "reservations": len(self._station.sandbox.book.reservations(rid))}


def _posted(act: Any) -> Any:
    async def answer(request: Request) -> JSONResponse:
        try:
            said = await request.json() if request.method == "POST" else {}
            return JSONResponse(await run_in_threadpool(act, said))
        except (JSONDecodeError, KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"Correct the request: {error!r}"}, status_code=400)

    return answer


def _turn(switches: Any, said: Mapping[str, Any]) -> dict[str, object]:
    known = {one.name for one in fields(switches) if not one.name.startswith("_")}
    for name, value in said.items():
        if name not in known:
            raise KeyError(name)
        setattr(switches, name, value)
    return {name: getattr(switches, name) for name in sorted(known)}


def _named(row: Reservation | Guest) -> dict[str, object]:
    return {"key": row.key, "sequence_id": row.sequence_id, "updated": row.updated.isoformat()}
