"""`python3 -m dev.release.indexes`: print a line for each index that is not built yet.

It fails if Firestore cannot build one. It compares `firestore.indexes.json` with the lists that
gcloud wrote to `build/`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

INDEX_FILE = Path("firestore.indexes.json")
_READY = "READY"
_FAILED = "NEEDS_REPAIR"
Rows = Sequence[Mapping[str, Any]]


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


def find_unbuilt_indexes(expected: Mapping[str, Any], indexes: Rows, fields: Rows) -> Iterator[str]:
    """Yield a line for each index that is missing or still being built.

    A query fails without its index. Indexes of other software are ignored.

    Args:
        expected: The content of `firestore.indexes.json`.
        indexes: The composite indexes, as gcloud prints them.
        fields: The fields with settings of their own, as gcloud prints them.
    """
    states = {_identify(parse_group(index["name"]), index): index["state"] for index in indexes}
    for field in fields:
        for index in field.get("indexConfig", {}).get("indexes", []):
            states[_identify(parse_group(field["name"]), index)] = index["state"]
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


def parse_group(name: str) -> str:
    """Return the collection group of `…/collectionGroups/GROUP/…`."""
    return name.partition("/collectionGroups/")[2].partition("/")[0]


if __name__ == "__main__":
    main()
