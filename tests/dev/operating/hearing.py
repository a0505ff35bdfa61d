"""Webhooks as the function takes them in, heard at a time of the test's choosing."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from shared.core.body import WebhookFormat
from shared.core.change import Channel
from shared.core.signature import Verification
from shared.edge.environment import read_environment
from shared.edge.intake import IncomingEvent, ingest_event
from shared.edge.services import build_app_context, utc_now
from shared.edge.staff.integration import read_settings
from tests.statements import row_body


@dataclass(frozen=True, slots=True)
class WebhookIngest:
    """What a restaurant's webhooks bring."""

    client: AsyncClient
    restaurant_id: str
    rid: str

    async def ingest_row(self, sequence_id: int, position: int = 0, minutes: int = 0) -> str:
        """Take one of OpenTable's objects in, and return what became of it.

        Args:
            sequence_id: Its sequence.
            position: Which of the bearer tokens proved it.
            minutes: How long from now.
        """
        number = {"rid": int(self.rid), "id": f"{self.rid}-ot_1"}
        return await self.ingest_body(row_body(sequence_id, **number), position, minutes)

    async def ingest_body(self, body: dict[str, Any], position: int = 0, minutes: int = 0) -> str:
        """Take any object in; else as `ingest_row`."""
        services = build_app_context(read_environment(os.environ))
        at = utc_now() + timedelta(minutes=minutes)
        services = replace(services, firestore=self.client, clock=lambda: at)
        settings = await read_settings(self.client, self.restaurant_id)
        assert settings is not None
        verdict = Verification(is_accepted=True, reason="bearer", credential_index=position)
        text = json.dumps(body)
        event = IncomingEvent(
            WebhookFormat.OPENTABLE_RESERVATION,
            body,
            text,
            "application/json",
            at,
            Channel.WEBHOOK,
            verdict,
        )
        return str((await ingest_event(services, settings, event)).outcome)
