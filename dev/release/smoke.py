"""`python3 -m dev.release.smoke candidate|live|page URL`: test a release with the canary.

The webhook receives a signed event about one old, canceled reservation, so that no page or report
shows it. The event's id is then in the ledger. The poll and a reconciliation without changes run
for the canary. The API answers its own description, and refuses a request without a token.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from dev.release.deployed import find_candidate, get_service_url, read_service
from sandbox.webhook_senders import build_signed_headers

SERVICES = ("opentable-webhook", "opentable-poll", "opentable-reconcile", "api")
BUILD_FOLDER = Path("build")
RESERVATION = "smoke-test"
_STARTS_AT = "2020-01-01T18:00:00Z"
_TIMEOUT_SECONDS = 120  # a poll of the canary; a cold start
_MAX_ATTEMPTS = 3  # the first response of a new revision may be late
_PAUSE_SECONDS = 5.0
_MIN_SERVER_ERROR_STATUS = 500


class SmokeError(RuntimeError):
    """A service does not work; the message describes the problem."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The restaurant of the test, and access to it.

    Attributes:
        secret: Its ``whsec_`` signing secret.
        documents: Address of the database's documents in the REST API.
        ledger_token: Access token for the documents.
        run_tokens: Identity tokens of the private services: Cloud Run checks their callers.
    """

    restaurant_id: str
    secret: str
    documents: str
    ledger_token: str
    run_tokens: Mapping[str, str]


def main() -> None:
    """Run the test, or exit with one sentence about the problem."""
    mode, *arguments = sys.argv[1:]
    try:
        if mode == "page":
            check_page(*arguments)
        else:
            check_services(_read_urls(is_candidate=mode == "candidate"), _read_canary())
    except (SmokeError, OSError) as error:
        sys.exit(f"smoke: {error}")


def check_services(urls: Mapping[str, str], canary: Canary) -> None:
    """Test all four services, and fail if one does not work."""
    checks: dict[str, Callable[[str, Canary], str]] = {
        "opentable-webhook": check_webhook,
        "opentable-poll": check_poll,
        "opentable-reconcile": check_reconciliation,
        "api": check_api,
    }
    problems = []
    for service, check in checks.items():
        try:
            print(f"{service}: {check(urls[service], canary)}", flush=True)
        except SmokeError as error:
            problems.append(f"{service}: {error}")
    if problems:
        raise SmokeError("; ".join(problems))


def check_webhook(url: str, canary: Canary) -> str:
    """Send a signed event and find it in the ledger; return the path of the document."""
    sent_at = datetime.now(UTC)
    event_id = f"smoke-{int(sent_at.timestamp() * 1000)}"
    event = {
        "eventType": "reservation.cancelled",
        "id": event_id,
        "timestamp": sent_at.isoformat(),
        "data": {
            "reservationId": RESERVATION,
            "restaurantId": canary.restaurant_id,
            "dinerName": "Smoke Test",
            "partySize": 2,
            "reservationDateTime": _STARTS_AT,
            "specialRequests": event_id,  # changes the document each time
        },
    }
    body = json.dumps(event).encode()
    signature = build_signed_headers(canary.secret, event_id, int(time.time()), body)
    result = _request_json(url, body, {"Content-Type": "application/json", **signature})
    if result.get("status") not in {"created", "updated"}:
        raise SmokeError(f"the event was {result.get('status')!r}, not created or updated")
    path = f"restaurants/{canary.restaurant_id}/reservations/{result.get('reservationId')}"
    document = _request_json(
        f"{canary.documents}/{path}", None, {"Authorization": f"Bearer {canary.ledger_token}"}
    )
    if event_id not in json.dumps(document):
        raise SmokeError(f"{path} does not contain the event")
    return path


def check_poll(url: str, canary: Canary) -> str:
    """Poll the canary; another poll of it in progress is a success."""
    result = _call_private_service(url, canary, "opentable-poll", {})["results"][0]
    if result["status"] not in {"ok", "skipped"}:
        raise SmokeError(f"the poll ended with {result}")
    return str(result["status"])


def check_reconciliation(url: str, canary: Canary) -> str:
    """Compare the canary without changes; another run of it in progress is a success."""
    body = _call_private_service(url, canary, "opentable-reconcile", {"dryRun": True})
    report = body["reports"][0]
    if report["status"] not in {"DRY_RUN", "SKIPPED"}:
        raise SmokeError(f"the reconciliation ended with {report}")
    return str(report["status"])


def check_api(url: str, canary: Canary) -> str:
    """Read the API's description, and be refused without a token."""
    paths = _request_json(f"{url}/api/openapi.json")["paths"]
    try:
        _request(f"{url}/api/restaurants/{canary.restaurant_id}/health")
    except urllib.error.HTTPError as error:
        # Only the API's own refusal has a code.
        if error.code == HTTPStatus.UNAUTHORIZED and "code" in json.load(error)["error"]:
            return f"{len(paths)} paths"
        raise SmokeError(f"a request without a token is answered {error.code}") from error
    raise SmokeError("a request without a token is answered")


def check_page(url: str) -> None:
    """Read the staff page with its security headers and, through its site, the API."""
    with _request(f"{url}/") as response:
        if "Content-Security-Policy" not in response.headers:
            raise SmokeError(f"{url} has no Content-Security-Policy")
    _request_json(f"{url}/api/openapi.json")


def parse_signing_secret(payload: str) -> str:
    """Return the newest signing secret of a restaurant's secret."""
    try:
        return str(json.loads(payload)["webhookSecrets"][0])
    except (ValueError, LookupError, TypeError):
        raise SmokeError(
            'The secret of the canary has no {"webhookSecrets": ["whsec_…"]}: add a version.'
        ) from None


def _read_urls(*, is_candidate: bool) -> dict[str, str]:
    """Return the address to test of each service.

    A candidate is at the address of its tag. A service without one is tested as it serves.
    """
    deployed = (BUILD_FOLDER / "deployed").read_text().split()
    services = {name: read_service(BUILD_FOLDER / f"now-{name}.json") for name in SERVICES}
    return {
        name: str(find_candidate(service)["url"])
        if is_candidate and name in deployed
        else get_service_url(service)
        for name, service in services.items()
    }


def _read_canary() -> Canary:
    def read(name: str) -> str:
        return (BUILD_FOLDER / name).read_text().strip()

    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    host = f"http://{emulator}" if emulator else "https://firestore.googleapis.com"
    database = f"projects/{os.environ['PROJECT_ID']}/databases/(default)"
    return Canary(
        restaurant_id=os.environ["_CANARY"],
        secret=parse_signing_secret(read("canary-secret")),
        documents=f"{host}/v1/{database}/documents",
        ledger_token=read("ledger-token"),
        run_tokens={
            name: read(f"{name}-token") for name in ("opentable-poll", "opentable-reconcile")
        },
    )


def _call_private_service(
    url: str, canary: Canary, service: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Call a service for the canary, with its identity token."""
    body = json.dumps({"restaurantId": canary.restaurant_id, **options}).encode()
    token = f"Bearer {canary.run_tokens[service]}"
    return _request_json(url, body, {"Content-Type": "application/json", "Authorization": token})


def _request_json(
    url: str, body: bytes | None = None, headers: Mapping[str, str] = {}
) -> dict[str, Any]:
    """Return a JSON response; try again after a server error or a lost connection."""
    problem = ""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            with _request(url, body, headers) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.read(200)!r}"
            if error.code < _MIN_SERVER_ERROR_STATUS:  # another attempt gets the same answer
                break
        except (OSError, ValueError) as error:
            problem = str(error)
        if attempt < _MAX_ATTEMPTS:
            time.sleep(_PAUSE_SECONDS)
    raise SmokeError(f"{url} answers {problem}")


def _request(url: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Any:
    request = urllib.request.Request(url, body, dict(headers))
    return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)


if __name__ == "__main__":
    main()
