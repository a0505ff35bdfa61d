"""Send one signed event to the canary restaurant and find it in the ledger.

The event is about one old, cancelled reservation, so that no page or report shows it. It contains
the
event's own id.
"""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.webhook_senders import build_signed_headers

RESERVATION = "smoke-test"
_STARTS_AT = "2020-01-01T18:00:00Z"
_TIMEOUT_SECONDS = 30
_MIN_SERVER_ERROR_STATUS = 500  # from here on a status is the server's own fault, which may pass
_MAX_ATTEMPTS = 3  # a new revision's first answer may come late; what is wrong stays wrong
_PAUSE_SECONDS = 2.0
_ACCEPTED_OUTCOMES = ("created", "updated")


class SmokeError(RuntimeError):
    """The deployed webhook did not store an event; the message says why."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The webhook's address, the canary's id and secret, and access to the ledger.

    Attributes:
        secret: Its ``whsec_`` signing secret.
        documents: Address of the database's documents in Firestore's REST API.
    """

    webhook: str
    restaurant: str
    secret: str
    documents: str
    token: str


def run_smoke_test(canary: Canary) -> str:
    """Send an event and find it in the ledger; return the document's path.

    Raises:
        SmokeError: It was not accepted, or is not in the ledger.
    """
    sent = datetime.now(UTC)
    event_id = f"smoke-{int(sent.timestamp() * 1000)}"
    response = _post(canary, event_id, _envelope(canary, event_id, sent))
    if response.get("status") not in _ACCEPTED_OUTCOMES:
        raise SmokeError(
            f"The webhook answered {response.get('status')!r}, not created or updated."
        )
    path = f"restaurants/{canary.restaurant}/reservations/{response.get('reservationId')}"
    if event_id not in json.dumps(_get(canary, path)):
        raise SmokeError(f"{path} does not say what was sent.")
    return path


def signing_secret(payload: str) -> str:
    """Return the newest signing secret of a restaurant's secret.

    Raises:
        SmokeError: It holds none.
    """
    try:
        return str(json.loads(payload)["webhookSecrets"][0])
    except (ValueError, LookupError, TypeError):
        raise SmokeError(
            'The canary\'s secret holds no {"webhookSecrets": ["whsec_…"]}: add a version with it.'
        ) from None


def _envelope(canary: Canary, event_id: str, sent: datetime) -> bytes:
    event = {
        "eventType": "reservation.cancelled",
        "id": event_id,
        "timestamp": sent.isoformat(),
        "data": {
            "reservationId": RESERVATION,
            "restaurantId": canary.restaurant,
            "dinerName": "Smoke Test",
            "partySize": 2,
            "reservationDateTime": _STARTS_AT,
            "specialRequests": event_id,
        },
    }
    return json.dumps(event).encode()


def _post(canary: Canary, event_id: str, body: bytes) -> dict[str, Any]:
    signed = build_signed_headers(canary.secret, event_id, int(time.time()), body)
    headers = {"Content-Type": "application/json", **signed}
    return _request_json(urllib.request.Request(canary.webhook, body, headers), _MAX_ATTEMPTS)


def _get(canary: Canary, path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {canary.token}"}
    return _request_json(
        urllib.request.Request(f"{canary.documents}/{path}", headers=headers), _MAX_ATTEMPTS
    )


def _request_json(request: urllib.request.Request, tries: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        problem, final = f"{error.code} {error.read(200)!r}", error.code < _MIN_SERVER_ERROR_STATUS
    except (OSError, ValueError) as error:
        problem, final = str(error), False
    if final or tries == 1:
        raise SmokeError(f"{request.full_url} answered {problem}.")
    time.sleep(_PAUSE_SECONDS)
    return _request_json(request, tries - 1)
