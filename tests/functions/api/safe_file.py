"""A SECRETS_FILE that holds one restaurant's secret."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEW_WEBHOOK_SECRET = "whsec_bmV3LXNlY3JldA=="
OLD_WEBHOOK_SECRET = "whsec_b2xkLXNlY3JldA=="


@dataclass(frozen=True, slots=True)
class RestaurantSecretFile:
    """The file.

    Attributes:
        path: Where it is.
        secret_id: The secret that tests look at.
    """

    path: Path
    secret_id: str

    def write(self, payload: dict[str, Any]) -> None:
        """Keep a payload as the secret."""
        self.path.write_text(json.dumps({self.secret_id: payload}))

    def empty(self) -> None:
        """Keep nothing."""
        self.path.write_text("{}")

    def read(self) -> dict[str, Any] | None:
        """Return the secret's payload, None where there is none."""
        payload: dict[str, Any] | None = json.loads(self.path.read_text()).get(self.secret_id)
        return payload
