"""The deployed functions, and nothing else; each runs alone under ``functions-framework``.

A function is imported when it is asked for: none waits at its start for what only others need.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

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


@contextmanager
def _import_without_gc() -> Iterator[None]:
    # What modules are made of never dies: collecting meanwhile finds nothing, and takes a tenth of
    # the start. Frozen, it is not walked through in each full collection to come, either.
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


# A misconfigured deployment fails here, at its start, and not at its first guest.
with _import_without_gc():
    from shared.config import read_environment

    read_environment(os.environ)


def __getattr__(name: str) -> object:
    if name not in _FUNCTION_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _import_without_gc():
        function: object = getattr(import_module(_FUNCTION_MODULES[name]), name)
    # Asked for again, it is found without coming here: what lives by then must not be frozen.
    globals()[name] = function
    return function
