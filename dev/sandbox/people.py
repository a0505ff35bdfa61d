"""Guests who are obviously made up: reserved telephone numbers, addresses at example.com."""

import random

_FIRST = (
    "Avery",
    "Blake",
    "Casey",
    "Devon",
    "Ellis",
    "Frankie",
    "Gray",
    "Harper",
    "Indigo",
    "Jules",
)
_LAST = ("Sample", "Example", "Testcase", "Placeholder", "Mockup", "Fixture", "Specimen", "Dummy")
REQUESTS = (
    "Window seat",
    "High chair",
    "Nut allergy",
    "Birthday",
    "Quiet table",
    "Step-free access",
)
SERVERS = ("Server A", "Server B", "Server C")


def made_up(rng: random.Random) -> tuple[str, str, str, str]:
    """Return first name, last name, e-mail address and national phone digits."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    email = f"{first}.{last}{rng.randrange(10_000)}@example.com".lower()
    return first, last, email, f"21255501{rng.randrange(100):02d}"
