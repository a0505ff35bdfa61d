"""OpenTable's HTTP face without a socket: a request in, an answer out."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from threading import RLock

from dev.sandbox import errors, spoil
from dev.sandbox.book import Book
from dev.sandbox.choices import Choices
from dev.sandbox.errors import Refused
from dev.sandbox.faults import Failure, Faults, Kind
from dev.sandbox.ids import new_uuid
from dev.sandbox.limits import Meter
from dev.sandbox.messages import Request, Response, json_response, packed
from dev.sandbox.rows import Row
from dev.sandbox.sync import Sync
from dev.sandbox.tokens import Partner, Tokens

PRODUCTION_URL = "https://platform.opentable.com"
TOKEN_PATH = "/api/v2/oauth/token"  # noqa: S105 - a path
_KINDS = {"reservations", "guests"}


class Sandbox:
    """One OpenTable: its book, its partners, and the switches over its answers."""

    def __init__(
        self, book: Book, partners: Iterable[Partner], *, base_url: str = PRODUCTION_URL
    ) -> None:
        """Serve a book.

        Args:
            book: The truth.
            partners: The credentials that may ask.
            base_url: The API's own address, as in ``href`` and ``nextPageUrl``.
        """
        self.book = book
        self.faults = Faults()
        self.choices = Choices()
        self.tokens = Tokens(list(partners), book.now)
        self.counts: Counter[str] = Counter()
        self._sync = Sync(book, self.choices, base_url)
        self._meter = Meter()
        self._random = random.Random(0)  # noqa: S311 - request ids only
        self._lock = RLock()

    def handle(self, request: Request) -> Response:
        """Answer one request; ``counts`` then knows one more for its route."""
        with self._lock:
            self.counts[_route(request.path)] += 1
            failure = self.faults.take(request.path)
            response = self._respond(request, failure)
            # Bytes are spoilt before packing, so that a cut body is still honest gzip.
            return packed(spoil.spoil_response(failure, response), request)

    def offboard(self, rid: int) -> None:
        """Take a restaurant away from every partner: from now on it answers 403."""
        for partner in self.tokens.partners:
            partner.rids.discard(rid)

    def _respond(self, request: Request, failure: Failure | None) -> Response:
        request_id = new_uuid(self._random)
        try:
            spoil.refuse(failure)
            payload = self._payload(spoil.spoil_request(failure, request), failure)
            return json_response(200, spoil.spoil_payload(failure, payload), request_id)
        except Refused as refused:
            body = errors.error_body(refused, request.path, self.book.now(), request_id)
            response = json_response(refused.status, body, request_id)
            return replace(response, headers={**response.headers, **refused.headers})

    def _payload(self, request: Request, failure: Failure | None) -> Row:
        if request.path == TOKEN_PATH:
            return self._token(request)
        if failure and failure.kind is Kind.REVOKED:
            self.tokens.revoke()
        partner = self.tokens.partner(request.headers.get("authorization", ""), request.path)
        self._meter_call(partner)
        payload = self._sync.answer(request, partner)
        if self.faults.on_page and "items" in payload:
            self.faults.on_page(self.book)
        return payload

    def _token(self, request: Request) -> Row:
        if request.method not in {"GET", "POST"}:
            raise Refused(405, "spring")
        if request.method == "POST" and "content-length" not in request.headers:
            raise Refused(411, "legacy", message="Send Content-Length: 0 with an empty POST.")
        if request.query.get("grant_type") != "client_credentials":
            raise Refused(400, "legacy", message="Send grant_type=client_credentials.")
        return self.tokens.issue(request.headers.get("authorization", ""))

    def _meter_call(self, partner: Partner) -> None:
        limit, now = self.faults.rate_limit, self.book.now()
        if limit and not self._meter.admits(partner.client_id, now, limit):
            raise Refused(429, "spring", headers=limit.headers(now))


def _route(path: str) -> str:
    parts = path.strip("/").split("/")
    if path == TOKEN_PATH:
        return "token"
    if parts[:2] != ["sync", "v2"] or len(parts) < 3 or parts[2] not in _KINDS:  # noqa: PLR2004
        return "other"
    return parts[2] if len(parts) == 3 else parts[2].removesuffix("s")  # noqa: PLR2004
