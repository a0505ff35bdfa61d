"""Compare the indexes of `firestore.indexes.json` with those of a database.

`python3 -m dev.release.indexes` prints a line for each index that is not built yet, and fails if
Firestore cannot build one. It reads the lists that gcloud wrote to `build/`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

INDEX_FILE = Path("firestore.indexes.json")
_READY = "READY"
_FAILED = "NEEDS_REPAIR"
_Rows = Sequence[Mapping[str, Any]]
_Settings = tuple[frozenset[tuple[str, str | None]], bool]


def main() -> None:
    """Print a line for each index that is not built; exit with an error if one never will be."""
    expected = json.loads(INDEX_FILE.read_text())
    indexes = json.loads(Path("build/indexes.json").read_text())
    fields = json.loads(Path("build/fields.json").read_text())
    lines = list(find_unbuilt_indexes(expected, indexes, fields))
    failed = [line for line in lines if line.endswith(_FAILED)]
    if failed:
        # The build keeps what is printed in a variable, and stops here: only this text is shown.
        text = "Firestore could not build these indexes. Delete them and release again:"
        sys.exit("\n".join([text, *failed]))
    print("\n".join(lines))


def find_index_changes(expected: Mapping[str, Any], fields: _Rows) -> Iterator[str]:
    """Yield a line for each field whose automatic indexes or time to live would change.

    Args:
        expected: The content of `firestore.indexes.json`.
        fields: The fields with settings of their own, as gcloud prints them.
    """
    current = {}
    for field in fields:
        # …/collectionGroups/GROUP/fields/PATH
        key = (_parse_group(field["name"]), field["name"].partition("/fields/")[2])
        # gcloud prints a list of fields in each index, with this field alone in it.
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


def find_unbuilt_indexes(
    expected: Mapping[str, Any], indexes: _Rows, fields: _Rows
) -> Iterator[str]:
    """Yield a line for each index that is missing or still being built.

    A query fails without its index. Indexes of other software are ignored.

    Args:
        expected: The content of `firestore.indexes.json`.
        indexes: The composite indexes, as gcloud prints them.
        fields: The fields with settings of their own, as gcloud prints them.
    """
    states = {_identify(_parse_group(index["name"]), index): index["state"] for index in indexes}
    for field in fields:
        for index in field.get("indexConfig", {}).get("indexes", []):
            states[_identify(_parse_group(field["name"]), index)] = index["state"]
    needed = [(index["collectionGroup"], index) for index in expected["indexes"]]
    for override in expected["fieldOverrides"]:
        for index in override["indexes"]:
            field = {**index, "fieldPath": override["fieldPath"]}
            needed.append((override["collectionGroup"], {**index, "fields": [field]}))
    for group, index in needed:
        state = states.get(_identify(group, index), "missing")
        if state != _READY:
            yield f"{group} ({', '.join(row['fieldPath'] for row in index['fields'])}): {state}"


def _identify(group: str, index: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what distinguishes an index. Firestore adds the field `__name__` to each."""
    fields = (
        (field["fieldPath"], field.get("order") or field.get("arrayConfig"))
        for field in index["fields"]
        if field["fieldPath"] != "__name__"
    )
    return group, index["queryScope"], *fields


def _parse_group(name: str) -> str:
    """Return the collection group of `…/collectionGroups/GROUP/…`."""
    return name.partition("/collectionGroups/")[2].partition("/")[0]


def _summarize(indexes: _Rows, *, has_ttl: bool) -> _Settings:
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


if __name__ == "__main__":
    main()
