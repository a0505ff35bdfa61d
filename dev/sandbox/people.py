"""Guests who are obviously made up: reserved telephone numbers, addresses at example.com."""

import random

_FIRST_NAMES = (
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
_LAST_NAMES = (
    "Sample",
    "Example",
    "Testcase",
    "Placeholder",
    "Mockup",
    "Fixture",
    "Specimen",
    "Dummy",
)
SAMPLE_REQUESTS = (
    "Window seat",
    "High chair",
    "Nut allergy",
    "Birthday",
    "Quiet table",
    "Step-free access",
)
SAMPLE_SERVERS = ("Server A", "Server B", "Server C")


def generate_guest_details(rng: random.Random) -> tuple[str, str, str, str]:
    """Return first name, last name, e-mail address and national phone digits."""
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    email = f"{first}.{last}{rng.randrange(10_000)}@example.com".lower()
    return first, last, email, f"21255501{rng.randrange(100):02d}"
