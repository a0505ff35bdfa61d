"""`python3 -m dev.release.preflight`: stop if a release would change what other software uses.

The database belongs to several applications. A release changes its automatic indexes, its time to
live and, if `_DEPLOY_RULES` is "yes", its security rules. Nothing else that a release does touches
what it does not own.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

from dev.release.indexes import INDEX_FILE, find_index_changes

RULES_API = "https://firebaserules.googleapis.com/v1"
_TIMEOUT_SECONDS = 30
_YES = "yes"


def main() -> None:
    """List the changes; exit with an error if they are not approved."""
    environment = os.environ
    indexes = json.loads(INDEX_FILE.read_text())
    fields = json.loads(Path("build/fields.json").read_text())
    changes = list(find_index_changes(indexes, fields))
    if environment["_DEPLOY_RULES"] == _YES:
        rules = read_rules(environment["PROJECT_ID"], environment["ACCESS_TOKEN"])
        changes += find_rules_changes(Path("firestore.rules").read_text(), rules)
    # If _SITE is empty, cloudbuild.yaml names a site of its own.
    if environment["_SITE"] == environment["PROJECT_ID"]:
        sys.exit("_SITE is the default Hosting site of the project: create a site of its own.")
    print("\n".join(changes) or "The release changes nothing that other software uses.")
    if changes and environment["_APPROVE_CHANGES"] != _YES:
        sys.exit("Read the list. To make these changes: --substitutions=_APPROVE_CHANGES=yes")


def find_rules_changes(expected: str, current: str | None) -> list[str]:
    """Return a line if security rules would be replaced by others."""
    if current is None or current == expected:
        return []
    return [
        f"firestore.rules: replaces the {len(current.splitlines())} lines of the project's rules"
    ]


def read_rules(project: str, token: str) -> str | None:
    """Return the security rules in force, None if the project has none."""

    def get(path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{RULES_API}/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return dict(json.load(response))

    try:
        release = get(f"projects/{project}/releases/cloud.firestore")
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise
    files = get(release["rulesetName"])["source"]["files"]
    return "".join(file["content"] for file in files)


if __name__ == "__main__":
    main()
