"""Modules import only what their layer may, and the declared indexes and rules are well formed."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from shared.firestore.paths import EXPIRY_FIELDS

ROOT = Path(__file__).parents[1]
PRODUCT = ("main.py", "functions", "shared")
# import-linter forbids the known libraries for I/O; this list also catches an unknown one.
PURE_MODULES = {
    "base64",
    "binascii",
    "bisect",
    "collections",
    "contextlib",
    "csv",
    "datetime",
    "decimal",
    "email.utils",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "io",
    "itertools",
    "json",
    "math",
    "msgspec",
    "operator",
    "phonenumbers",
    "re",
    "shared.domain",
    "shared.errors",
    "statistics",
    "string",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "zoneinfo",
}
# Calls to the clock, the terminal or a file through otherwise pure modules.
IMPURE_NAMES = {"breakpoint", "exec", "input", "now", "open", "print", "today", "utcnow"}
# A deployed function is imported before it has a request, perhaps before it has a network.
OFFLINE_IMPORT = """
import sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise RuntimeError(f"{event} {arguments[1:]} during import")

sys.addaudithook(refuse)
import main

for name in main.__all__:
    getattr(main, name)
"""


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        path = ROOT / folder
        yield from [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted names of a file's imports, including names inside packages."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)


def called_names(path: Path) -> set[str]:
    """Return the names and attributes called in a file."""
    calls = (n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
    return {
        function.id if isinstance(function, ast.Name) else function.attr
        for function in calls
        if isinstance(function, ast.Name | ast.Attribute)
    }


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_domain_imports_only_pure_modules() -> None:
    assert not {
        (path.name, name)
        for path in sources("shared/domain")
        for name in imported_names(path)
        if not any(f"{name}.".startswith(f"{module}.") for module in PURE_MODULES)
    }


def test_the_domain_uses_no_clock_file_or_terminal() -> None:
    assert not {
        (path.name, name)
        for path in sources("shared/domain")
        for name in called_names(path) & IMPURE_NAMES
    }


def test_main_imports_in_a_clean_process_with_no_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE_IMPORT],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_main_imports_no_client_of_a_queue() -> None:
    command = "from main import *; import sys; sys.exit('google.cloud.tasks_v2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): path.read_text().count("\n")
        for path in sources(*PRODUCT, "cli", "dev", "sandbox", "tests")
    }
    assert not {path: length for path, length in lengths.items() if length > 400}


def test_the_security_rules_deny_everything() -> None:
    rules = (ROOT / "firestore.rules").read_text()
    assert re.findall(r"allow[^;]*;", rules) == ["allow read, write: if false;"]


def overrides() -> list[dict[str, object]]:
    declared = json.loads((ROOT / "firestore.indexes.json").read_text())
    listed: list[dict[str, object]] = declared["fieldOverrides"]
    return listed


def test_every_index_exemption_is_well_formed() -> None:
    for row in overrides():
        assert row.keys() - {"ttl"} == {"collectionGroup", "fieldPath", "indexes"}
        assert row.get("ttl", True) is True


def test_only_queried_fields_among_exempted_ones_have_an_index() -> None:
    kept = [(row["collectionGroup"], row["fieldPath"]) for row in overrides() if row["indexes"]]
    assert kept == [
        ("ledgerEvents", "occurredAt"),
        ("staff", "uid"),
        ("integrations", "enabled"),
        ("openTableGuests", "forgottenAt"),
    ]


def test_what_expires_is_not_indexed() -> None:
    expiring = [row for row in overrides() if "ttl" in row]
    fields = [(row["collectionGroup"], row["fieldPath"]) for row in expiring]
    assert sorted(fields) == sorted(EXPIRY_FIELDS.items())  # so one field at most of a collection
    assert [row["indexes"] for row in expiring] == [[]] * len(expiring)


def test_no_field_is_exempted_twice() -> None:
    fields = [(row["collectionGroup"], row["fieldPath"]) for row in overrides()]
    assert len(fields) == len(set(fields))
