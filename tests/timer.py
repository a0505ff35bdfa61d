"""Seconds that pass when a test says so."""


class FakeTimer:
    """A clock in seconds that stands still until it is moved."""

    def __init__(self) -> None:
        self._seconds = 1000.0

    def __call__(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let seconds pass."""
        self._seconds += seconds
