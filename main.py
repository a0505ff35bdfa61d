"""The deployed functions: `functions-framework --target NAME` runs one of them.

Each is imported on first access, so that a function starts without the modules of the others.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from shared.config import read_environment

if TYPE_CHECKING:
    from functions.api.app import api
    from functions.poll import opentable_poll
    from functions.reconcile import opentable_reconcile
    from functions.webhook import opentable_webhook

__all__ = ["api", "opentable_poll", "opentable_reconcile", "opentable_webhook"]

_FUNCTION_MODULES = {
    "api": "functions.api.app",
    "opentable_poll": "functions.poll",
    "opentable_reconcile": "functions.reconcile",
    "opentable_webhook": "functions.webhook",
}

# A misconfigured deployment fails at its start, not at its first request.
read_environment(os.environ)


def __getattr__(name: str) -> object:
    if name not in _FUNCTION_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FUNCTION_MODULES[name]), name)
