"""Define the addresses and environment variables of a local run."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from dev.local.demo_data import DEMO_PARTNER_SECRET_ID, DEMO_PROJECT, DEMO_RESTAURANT_ID
from dev.local.processes import LOOPBACK


@dataclass(frozen=True, slots=True)
class RunAddresses:
    """The ports of a run, all on the loopback interface; `port` is the gateway's."""

    port: int
    sandbox_port: int
    emulator_host: str

    @property
    def gateway_url(self) -> str:
        """The gateway's URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """The sandbox's URL."""
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    def build_environment(self, secrets_file: str) -> dict[str, str]:
        """Return the environment variables that keep the functions on this machine."""
        return {
            "GOOGLE_CLOUD_PROJECT": DEMO_PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.emulator_host,
            "OPENTABLE_API_URL": self.sandbox_url,
            "OPENTABLE_OAUTH_URL": self.sandbox_url,
            "OPENTABLE_PARTNER_SECRET": DEMO_PARTNER_SECRET_ID,
            "SECRETS_FILE": secrets_file,
            "TASKS_TARGET_URL": self.gateway_url,
            # Simulated time is faster than these schedules.
            "QUIET_POLL_MINUTES": "0",
            "NEAR_DAYS_AHEAD": "30",
            # The sandbox creates its rows at the start: a longer lookback polls all of them again.
            "POLL_LOOKBACK_SECONDS": "60",
            # A company's proxy cannot reach this machine's loopback interface.
            "no_proxy": LOOPBACK,
        }

    def format_instructions(self) -> str:
        """Return the addresses and the next commands for the developer."""
        python = Path(os.path.relpath(sys.executable))
        dev, status = f"{python} -m dev", f"{python.with_name('ledger')} restaurants status"
        return f"""
  Page              {self.gateway_url}/
  Restaurant        {DEMO_RESTAURANT_ID}
  Its status        {status} {DEMO_RESTAURANT_ID} --port {self.port}
  Stop webhooks     {dev} webhooks off --port {self.port}
  Resume webhooks   {dev} webhooks on --port {self.port}
  Mock events       {dev} mock --port {self.port}
  OpenTable         {self.sandbox_url}/_control lists its switches
  Firestore         {self.emulator_host} (project {DEMO_PROJECT})
  End               Ctrl-C
"""
