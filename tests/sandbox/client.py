import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.api import OpenTableApi
from sandbox.http import SandboxRequest, SandboxResponse

LIST_PATH = "/sync/v2/reservations"
RID = 555001
NEW_YORK = ZoneInfo("America/New_York")
SANDBOX_VISIT_TIME = datetime(2026, 3, 14, 19, 15, tzinfo=NEW_YORK)


@dataclass
class SandboxClient:
    """Send requests to the sandbox, with a valid token by default."""

    sandbox: OpenTableApi

    def get(
        self, path: str, query: Mapping[str, object] | None = None, *, bearer: str | None = "key"
    ) -> SandboxResponse:
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        texts = {name: str(value) for name, value in (query or {}).items()}
        return self.sandbox.handle(SandboxRequest("GET", path, texts, headers))

    def listing(self, *, bearer: str | None = "key", **query: object) -> SandboxResponse:
        return self.get(LIST_PATH, {"rid": RID} | query, bearer=bearer)

    def payload(self, path: str = LIST_PATH, /, **query: object) -> dict[str, Any]:
        response = self.get(path, {"rid": RID} | query)
        assert response.status == 200, response.body
        return dict(json.loads(response.body))

    def keys(self, **query: object) -> list[str]:
        items = self.payload(**query)["items"]
        return [item["id"].removeprefix(f"{RID}-") for item in items]
