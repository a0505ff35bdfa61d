"""The ids that are in circulation at OpenTable: UUIDs in either case, and 24 hex digits."""

import random
from uuid import UUID


def new_key(rng: random.Random) -> str:
    """Return an id without its ``{rid}-`` prefix."""
    shape = rng.random()
    if shape < 0.5:  # noqa: PLR2004 - half of the ids are of each kind
        return f"{rng.getrandbits(96):024x}"
    text = new_uuid(rng)
    return text.upper() if shape > 0.9 else text  # noqa: PLR2004 - a tenth in upper case


def new_uuid(rng: random.Random) -> str:
    """Return a random (version 4) UUID as text."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def split_id(text: str) -> tuple[int, str] | None:
    """Split ``{rid}-{key}`` into its parts; None where it has another shape."""
    rid, dash, key = text.partition("-")
    return (int(rid), key) if dash and rid.isdecimal() and key else None
