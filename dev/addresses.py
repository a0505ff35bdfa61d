"""Where the parts of a local run listen, and what each must be told of the others."""

import os
import sys
from dataclasses import dataclass

from dev.demo import PARTNER_SECRET_ID, PROJECT
from dev.processes import LOOPBACK


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a run's parts listen, all on the loopback interface.

    Attributes:
        port: The gateway's TCP port (1-65535).
        sandbox_port: The OpenTable sandbox's.
        emulator: The Firestore emulator's host and port.
    """

    port: int
    sandbox_port: int
    emulator: str

    @property
    def gateway(self) -> str:
        """The gateway's URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def sandbox(self) -> str:
        """The sandbox's URL."""
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    def environment(self, secrets_file: str) -> dict[str, str]:
        """Return the variables that keep the functions on this machine.

        Args:
            secrets_file: The SECRETS_FILE's path.
        """
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.emulator,
            "OPENTABLE_API_URL": self.sandbox,
            "OPENTABLE_OAUTH_URL": self.sandbox,
            "OPENTABLE_PARTNER_SECRET": PARTNER_SECRET_ID,
            "SECRETS_FILE": secrets_file,
            "TASKS_TARGET_URL": self.gateway,
            # Everything listens here, so a company's proxy has no business in between.
            "no_proxy": LOOPBACK,
        }

    def where_to_look(self) -> str:
        """Return the addresses and commands that a developer wants next."""
        dev = f"{os.path.relpath(sys.executable)} -m dev"
        switch = f"{self.sandbox}/_control/webhooks"
        return f"""
  Page              {self.gateway}/
  OpenTable         {self.sandbox}/_control/state
  Firestore         {self.emulator} (project {PROJECT})
  Stop webhooks     {dev} webhooks off --port {self.port}
       or           curl {switch} -d '{{"silent": true}}'
  Resume webhooks   {dev} webhooks on --port {self.port}
  Mock events       {dev} mock --port {self.port}
  End               Ctrl-C
"""
