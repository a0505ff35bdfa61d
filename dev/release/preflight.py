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
from pathlib import Path
from typing import Any

RULES_API = "https://firebaserules.googleapis.com/v1"
_TIMEOUT_SECONDS = 30
_YES = "yes"


def main() -> None:
    """List the changes; exit with an error if they are not approved."""
    environment = os.environ
    indexes = json.loads(Path("firestore.indexes.json").read_text())
    fields = json.loads(Path("build/fields.json").read_text())
    changes = list(find_index_changes(indexes, fields))
    if environment["_DEPLOY_RULES"] == _YES:
        rules = read_rules(environment["PROJECT_ID"], environment["ACCESS_TOKEN"])
        changes += find_rules_changes(Path("firestore.rules").read_text(), rules)
    if (environment["_SITE"] or "new") == environment["PROJECT_ID"]:
        sys.exit("_SITE is the default Hosting site of the project: create a site of its own.")
    print("\n".join(changes) or "The release changes nothing that other software uses.")
    if changes and environment["_APPROVE_CHANGES"] != _YES:
        sys.exit("Read the list. To make these changes: --substitutions=_APPROVE_CHANGES=yes")


def find_index_changes(
    expected: Mapping[str, Any], fields: list[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a line for each field whose automatic indexes or time to live would change.

    Args:
        expected: The content of `firestore.indexes.json`.
        fields: The fields with settings of their own, as gcloud prints them.
    """
    current = {_parse_field_name(field["name"]): _normalize_current(field) for field in fields}
    for override in expected["fieldOverrides"]:
        group, path = override["collectionGroup"], override["fieldPath"]
        before, after = current.get((group, path)), _normalize_wanted(override)
        if before != after:
            source = "the automatic indexes" if before is None else _describe(before)
            yield f"{group}.{path}: {source} -> {_describe(after)}"


def find_rules_changes(expected: str, current: str | None) -> list[str]:
    """Return a line if security rules would be replaced by others."""
    if current is None or current == expected:
        return []
    return [
        f"firestore.rules: replaces the {len(current.splitlines())} lines of the project's rules"
    ]


def read_rules(project: str, token: str, api: str = RULES_API) -> str | None:
    """Return the security rules in force, None if the project has none."""

    def get(path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{api}/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return dict(json.load(response))

    try:
        release = get(f"projects/{project}/releases/cloud.firestore")
    except urllib.error.HTTPError as error:
        if error.code == 404:  # noqa: PLR2004 -- every other status is a failure
            return None
        raise
    files = get(release["rulesetName"])["source"]["files"]
    return "".join(file["content"] for file in files)


_Settings = tuple[frozenset[tuple[str, str]], bool]


def _parse_field_name(name: str) -> tuple[str, str]:
    """Return collection group and field path of `…/collectionGroups/GROUP/fields/PATH`."""
    _, _, rest = name.partition("/collectionGroups/")
    group, _, path = rest.partition("/fields/")
    return group, path


def _normalize_current(field: Mapping[str, Any]) -> _Settings:
    indexes = field.get("indexConfig", {}).get("indexes", [])
    return (
        frozenset(
            (index.get("queryScope", "COLLECTION"), row.get("order") or row.get("arrayConfig"))
            for index in indexes
            for row in index["fields"]
        ),
        "ttlConfig" in field,
    )


def _normalize_wanted(override: Mapping[str, Any]) -> _Settings:
    return (
        frozenset(
            (index.get("queryScope", "COLLECTION"), index.get("order") or index.get("arrayConfig"))
            for index in override["indexes"]
        ),
        override.get("ttl", False),
    )


def _describe(settings: _Settings) -> str:
    indexes, has_ttl = settings
    words = ", ".join(f"{kind} ({scope})" for scope, kind in sorted(indexes)) or "no index"
    return f"{words}, time to live" if has_ttl else words


if __name__ == "__main__":
    main()
