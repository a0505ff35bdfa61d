"""A source of secrets in memory."""

import json
from collections import Counter

from shared.errors import InvalidSettingsError, ServiceUnavailableError


class InMemorySecretSource:
    """Secrets by id, as JSON or as the text that stands for it.

    Attributes:
        payloads: What is kept.
        reads: How often each was read.
        is_unavailable: Whether every read fails for now.
    """

    def __init__(self) -> None:
        self.payloads: dict[str, object] = {}
        self.reads: Counter[str] = Counter()
        self.is_unavailable = False

    async def read(self, secret_id: str) -> str:
        """Return a secret's payload."""
        self.reads[secret_id] += 1
        if self.is_unavailable:
            raise ServiceUnavailableError("away")
        if secret_id not in self.payloads:
            raise InvalidSettingsError(f"no {secret_id}")
        payload = self.payloads[secret_id]
        return payload if isinstance(payload, str) else json.dumps(payload)
