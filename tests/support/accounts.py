"""The accounts of Firebase Authentication, served to the product in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port, wait_until_reachable

_START_SECONDS = 20


class ServedAccounts(Struct, frozen=True):
    """The accounts, and the value of FIREBASE_AUTH_EMULATOR_HOST that leads to them."""

    host: str
    accounts: LocalAccounts


@contextmanager
def serve_accounts(accounts: LocalAccounts | None = None) -> Iterator[ServedAccounts]:
    """Serve accounts during the block; none at first by default."""
    port, accounts = find_free_port(), accounts or LocalAccounts()
    app = Starlette(routes=accounts.build_routes())
    config = uvicorn.Config(app, LOOPBACK, port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until_reachable(f"http://{LOOPBACK}:{port}", _START_SECONDS)
        yield ServedAccounts(f"{LOOPBACK}:{port}", accounts)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_START_SECONDS)
