"""The deployed functions, and nothing else; each runs alone under ``functions-framework``."""

import os

from functions.api import api
from functions.poll import opentable_poll
from functions.reconcile import opentable_reconcile
from functions.webhook import opentable_webhook
from shared.edge.environment import read_environment

__all__ = ["api", "opentable_poll", "opentable_reconcile", "opentable_webhook"]

# A misconfigured deployment fails here, at its start, and not at its first guest.
read_environment(os.environ)
