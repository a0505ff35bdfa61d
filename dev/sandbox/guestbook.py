"""What is done to a guest: entered, edited, merged, opted out, hidden, forgotten."""

from collections.abc import Callable
from dataclasses import replace

from dev.sandbox.book import Book
from dev.sandbox.records import Guest


class Guestbook:
    """The guestbook of one restaurant; every act returns the new guest."""

    def __init__(self, book: Book, rid: int) -> None:
        """Work on the guests of ``rid``."""
        self._book = book
        self._rid = rid

    def add(
        self, first_name: str = "", last_name: str = "", email: str = "", phone: str = ""
    ) -> Guest:
        """Enter a guest; all may be empty, as for a walk-in. ``phone`` is national digits."""
        now = self._book.now()
        return self._book.add_guest(
            Guest(
                rid=self._rid,
                key=self._book.key(),
                created=now,
                updated=now,
                first_name=first_name,
                last_name=last_name,
                email=email,
                phone=phone,
            )
        )

    def rename(self, key: str, first_name: str, last_name: str) -> Guest:
        """Correct the name."""
        return self._change(
            key, lambda guest: replace(guest, first_name=first_name, last_name=last_name)
        )

    def contact(self, key: str, email: str, phone: str) -> Guest:
        """Correct the address and the number (national digits)."""
        return self._change(key, lambda guest: replace(guest, email=email, phone=phone))

    def merge(self, loser: str, survivor: str) -> Guest:
        """Archive ``loser`` in favour of ``survivor``; its reservations keep naming the loser."""
        return self._change(loser, lambda guest: replace(guest, archived=True, primary=survivor))

    def forget(self, key: str) -> Guest:
        """Forget the diner: flagged, and every detail emptied."""
        return self._change(
            key,
            lambda guest: replace(
                guest, forgotten=True, first_name="", last_name="", email="", phone="", notes=None
            ),
        )

    def opt(self, key: str, *, email_in: bool, marketing_out: bool) -> Guest:
        """Set the diner's wishes about mail and marketing."""
        return self._change(
            key,
            lambda guest: replace(guest, email_optin=email_in, marketing_opted_out=marketing_out),
        )

    def hide(self, key: str) -> Guest:
        """Delete the guest from the restaurant's own guestbook view."""
        return self._change(key, lambda guest: replace(guest, is_hidden=True))

    def _change(self, key: str, edit: Callable[[Guest], Guest]) -> Guest:
        return self._book.change_guest(self._rid, key, edit)
