"""The accounts of Firebase Authentication, served to the product in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from starlette.applications import Starlette

from dev.local.auth_emulator import LocalAccounts
from dev.local.processes import LOOPBACK, find_free_port
from tests.support.processes import serve_app


class ServedAccounts(Struct, frozen=True):
    """The accounts, and the value of FIREBASE_AUTH_EMULATOR_HOST that leads to them."""

    host: str
    accounts: LocalAccounts


@contextmanager
def serve_accounts(accounts: LocalAccounts | None = None) -> Iterator[ServedAccounts]:
    """Serve accounts during the block; none at first by default."""
    port, accounts = find_free_port(), accounts or LocalAccounts()
    with serve_app(Starlette(routes=accounts.build_routes()), port):
        yield ServedAccounts(f"{LOOPBACK}:{port}", accounts)
