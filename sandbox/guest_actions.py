"""Change guests: create, edit, merge, opt out, hide, erase."""

from collections.abc import Callable
from dataclasses import replace

from sandbox.models import SandboxGuest
from sandbox.store import SandboxStore


class GuestActions:
    """Change guests of one restaurant; each action returns the new guest."""

    def __init__(self, store: SandboxStore, rid: int) -> None:
        """Work on the guests of ``rid``."""
        self._store = store
        self._rid = rid

    def add(
        self, first_name: str = "", last_name: str = "", email: str = "", phone: str = ""
    ) -> SandboxGuest:
        """Enter a guest; all may be empty, as for a walk-in. ``phone`` is national digits."""
        now = self._store.now()
        return self._store.add_guest(
            SandboxGuest(
                rid=self._rid,
                key=self._store.generate_key(),
                created=now,
                updated=now,
                first_name=first_name,
                last_name=last_name,
                email=email,
                phone=phone,
            )
        )

    def rename(self, key: str, first_name: str, last_name: str) -> SandboxGuest:
        """Correct the name."""
        return self._update(
            key, lambda guest: replace(guest, first_name=first_name, last_name=last_name)
        )

    def update_contact(self, key: str, email: str, phone: str) -> SandboxGuest:
        """Correct the address and the number (national digits)."""
        return self._update(key, lambda guest: replace(guest, email=email, phone=phone))

    def merge(self, loser: str, survivor: str) -> SandboxGuest:
        """Archive ``loser`` in favour of ``survivor``; its reservations keep naming the loser."""
        return self._update(loser, lambda guest: replace(guest, archived=True, primary=survivor))

    def forget(self, key: str) -> SandboxGuest:
        """Forget the diner: flagged, and every detail emptied."""
        return self._update(
            key,
            lambda guest: replace(
                guest, forgotten=True, first_name="", last_name="", email="", phone="", notes=None
            ),
        )

    def set_preferences(
        self, key: str, *, email_opt_in: bool, marketing_opt_out: bool
    ) -> SandboxGuest:
        """Set the diner's wishes about mail and marketing."""
        return self._update(
            key,
            lambda guest: replace(
                guest, email_optin=email_opt_in, marketing_opted_out=marketing_opt_out
            ),
        )

    def hide(self, key: str) -> SandboxGuest:
        """Hide the guest from the restaurant's own guest list."""
        return self._update(key, lambda guest: replace(guest, is_hidden=True))

    def _update(self, key: str, edit: Callable[[SandboxGuest], SandboxGuest]) -> SandboxGuest:
        return self._store.update_guest(self._rid, key, edit)
