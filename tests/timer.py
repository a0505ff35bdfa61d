"""Seconds that pass when a test says so."""


class Timer:
    """A clock in seconds that stands still until it is moved."""

    def __init__(self) -> None:
        self._seconds = 1000.0

    def __call__(self) -> float:
        return self._seconds

    def wait(self, seconds: float) -> None:
        """Let seconds pass."""
        self._seconds += seconds
