"""Dispatch requests to the simulated OpenTable API, without a socket."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from threading import RLock

from sandbox.fault_injection import (
    FailureKind,
    FaultInjector,
    ScriptedFailure,
    inject_error,
    inject_payload_failure,
    inject_request_failure,
    inject_response_failure,
)
from sandbox.http import (
    SandboxHttpError,
    SandboxRequest,
    SandboxResponse,
    build_error_body,
    build_json_response,
    compress_response,
)
from sandbox.models import new_uuid
from sandbox.oauth import Partner, RateLimiter, TokenIssuer
from sandbox.store import SandboxStore
from sandbox.sync_api import SyncApi
from sandbox.sync_rows import BehaviorSwitches, JsonRow

OPENTABLE_PRODUCTION_URL = "https://platform.opentable.com"
OAUTH_TOKEN_PATH = "/api/v2/oauth/token"  # noqa: S105 - a path


class OpenTableApi:
    """Serve OpenTable's HTTP API: routing, tokens, rate limits and injected failures."""

    def __init__(
        self,
        store: SandboxStore,
        partners: Iterable[Partner],
        *,
        base_url: str = OPENTABLE_PRODUCTION_URL,
    ) -> None:
        """Serve the reservations of a store.

        Args:
            partners: The credentials with access.
            base_url: The API's own address, as in ``href`` and ``nextPageUrl``.
        """
        self.store = store
        self.faults = FaultInjector()
        self.choices = BehaviorSwitches()
        self.tokens = TokenIssuer(list(partners), store.now)
        self.request_counts: Counter[str] = Counter()
        self._sync = SyncApi(store, self.choices, base_url)
        self._rate_limiter = RateLimiter()
        self._random = random.Random(0)
        self._lock = RLock()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request; ``request_counts`` then knows one more for its route."""
        # The server calls from several threads; a scripted failure belongs to one request.
        with self._lock:
            self.request_counts[_classify_route(request.path)] += 1
            failure = self.faults.take_failure(request.path)
            response = self._build_response(request, failure)
            # Damage the body before compression, so that a truncated body is still valid gzip.
            return compress_response(inject_response_failure(failure, response), request)

    def revoke_restaurant(self, rid: int) -> None:
        """Take a restaurant away from every partner: from now on it answers 403."""
        for partner in self.tokens.partners:
            partner.rids.discard(rid)

    def _build_response(
        self, request: SandboxRequest, failure: ScriptedFailure | None
    ) -> SandboxResponse:
        request_id = new_uuid(self._random)
        try:
            inject_error(failure)
            payload = self._build_payload(inject_request_failure(failure, request), failure)
            return build_json_response(200, inject_payload_failure(failure, payload), request_id)
        except SandboxHttpError as error:
            body = build_error_body(error, request.path, self.store.now(), request_id)
            response = build_json_response(error.status, body, request_id)
            return replace(response, headers={**response.headers, **error.headers})

    def _build_payload(self, request: SandboxRequest, failure: ScriptedFailure | None) -> JsonRow:
        if request.path == OAUTH_TOKEN_PATH:
            return self._issue_token(request)
        # Before the check: this request is the first to meet the revoked token.
        if failure and failure.kind is FailureKind.REVOKED:
            self.tokens.revoke_all()
        partner = self.tokens.authenticate(request.headers.get("authorization", ""), request.path)
        limit, now = self.faults.rate_limit, self.store.now()
        if limit and not self._rate_limiter.try_acquire(partner.client_id, now, limit):
            raise SandboxHttpError(429, "spring", headers=limit.build_headers(now))
        payload = self._sync.build_payload(request, partner)
        # After the page was read: what the hook changes shifts the rows of the next page.
        if self.faults.on_page and "items" in payload:
            self.faults.on_page(self.store)
        return payload

    def _issue_token(self, request: SandboxRequest) -> JsonRow:
        if request.method not in {"GET", "POST"}:
            raise SandboxHttpError(405, "spring")
        # An empty POST must send `Content-Length: 0`. The status without it is undocumented.
        if request.method == "POST" and "content-length" not in request.headers:
            raise SandboxHttpError(
                411, "legacy", message="Send Content-Length: 0 with an empty POST."
            )
        if request.query.get("grant_type") != "client_credentials":
            raise SandboxHttpError(400, "legacy", message="Send grant_type=client_credentials.")
        return self.tokens.issue(request.headers.get("authorization", ""))


def _classify_route(path: str) -> str:
    if path == OAUTH_TOKEN_PATH:
        return "token"
    match path.strip("/").split("/"):
        case ["sync", "v2", "reservations" | "guests" as resource, *key]:
            return resource.removesuffix("s") if key else resource
    return "other"
