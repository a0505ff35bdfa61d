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
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from dev.release.indexes import INDEX_FILE, Rows, parse_group

RULES_API = "https://firebaserules.googleapis.com/v1"
_TIMEOUT_SECONDS = 30
_YES = "yes"
_Settings = tuple[frozenset[tuple[str, str | None]], bool]


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


def find_index_changes(expected: Mapping[str, Any], fields: Rows) -> Iterator[str]:
    """Yield a line for each field whose automatic indexes or time to live would change.

    Args:
        expected: The content of `firestore.indexes.json`.
        fields: The fields with settings of their own, as gcloud prints them.
    """
    current = {}
    for field in fields:
        # …/collectionGroups/GROUP/fields/PATH
        key = (parse_group(field["name"]), field["name"].partition("/fields/")[2])
        # gcloud prints a list of fields in each index; here it has only this field.
        indexes = [
            {**index, **row}
            for index in field.get("indexConfig", {}).get("indexes", [])
            for row in index["fields"]
        ]
        current[key] = _summarize(indexes, has_ttl="ttlConfig" in field)
    for override in expected["fieldOverrides"]:
        group, path = override["collectionGroup"], override["fieldPath"]
        before = current.get((group, path))
        after = _summarize(override["indexes"], has_ttl=override.get("ttl", False))
        if before != after:
            source = "the automatic indexes" if before is None else _describe(before)
            yield f"{group}.{path}: {source} -> {_describe(after)}"


def _summarize(indexes: Rows, *, has_ttl: bool) -> _Settings:
    """Return the scope and kind of a field's own indexes, and whether it sets a time to live."""
    kinds = frozenset(
        (index.get("queryScope", "COLLECTION"), index.get("order") or index.get("arrayConfig"))
        for index in indexes
    )
    return kinds, has_ttl


def _describe(settings: _Settings) -> str:
    indexes, has_ttl = settings
    words = ", ".join(f"{kind} ({scope})" for scope, kind in sorted(indexes)) or "no index"
    return f"{words}, time to live" if has_ttl else words


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
