"""`python3 -m dev.release.hosting FIELD CHANNEL`: read a channel of the staff page's site.

It reads the list that `firebase hosting:channel:list --json` wrote to `build/channels.json`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    """Print one field of a channel."""
    field, channel_id = sys.argv[1:]
    output = json.loads(Path("build/channels.json").read_text())
    print(FIELDS[field](find_channel(output, channel_id)))


def find_channel(output: Mapping[str, Any], channel_id: str) -> Mapping[str, Any]:
    """Return a channel, or an empty one if the site does not have it."""
    channels: list[dict[str, Any]] = output["result"]["channels"]
    named = [row for row in channels if row["name"].endswith(f"/channels/{channel_id}")]
    return named[0] if named else {}


def get_channel_url(channel: Mapping[str, Any]) -> str:
    """Return the address of a channel."""
    return str(channel["url"])


def get_version(channel: Mapping[str, Any]) -> str:
    """Return the id of the version that a channel serves, empty before its first release."""
    # sites/SITE/versions/ID
    name: str = channel.get("release", {}).get("version", {}).get("name", "")
    return name.rpartition("/")[2]


FIELDS = {"url": get_channel_url, "version": get_version}

if __name__ == "__main__":
    main()
