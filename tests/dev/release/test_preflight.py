"""The preflight lists what a release would change for other software."""

import http.server
import json
import threading
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from dev.bootstrap import ROOT
from dev.release.indexes import find_index_changes
from dev.release.preflight import find_rules_changes, read_rules

INDEXES = json.loads((ROOT / "firestore.indexes.json").read_text())
OVERRIDE = {"collectionGroup": "reservations", "fieldPath": "sync", "indexes": []}
WANTED = {"fieldOverrides": [OVERRIDE]}
ASCENDING = {"queryScope": "COLLECTION", "fields": [{"fieldPath": "sync", "order": "ASCENDING"}]}


def field(path: str, *indexes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return a field as gcloud prints it."""
    group = "projects/p/databases/(default)/collectionGroups/reservations"
    return {
        "name": f"{group}/fields/{path}",
        "indexConfig": {"indexes": list(indexes)} if indexes else {},
        **settings,
    }


def test_a_field_with_automatic_indexes_would_change() -> None:
    [line] = find_index_changes(WANTED, [])
    assert line == "reservations.sync: the automatic indexes -> no index"


def test_a_field_with_the_same_settings_would_not_change() -> None:
    assert list(find_index_changes(WANTED, [field("sync")])) == []


def test_a_field_with_other_indexes_would_change() -> None:
    [line] = find_index_changes(WANTED, [field("sync", ASCENDING)])
    assert line == "reservations.sync: ASCENDING (COLLECTION) -> no index"


def test_a_time_to_live_would_change() -> None:
    [line] = find_index_changes(WANTED, [field("sync", ttlConfig={"state": "ACTIVE"})])
    assert line == "reservations.sync: no index, time to live -> no index"


def test_fields_of_other_software_are_not_listed() -> None:
    assert list(find_index_changes(WANTED, [field("sync"), field("menu", ASCENDING)])) == []


def test_every_field_of_the_index_file_is_compared() -> None:
    lines = list(find_index_changes(INDEXES, []))
    assert len(lines) == len(INDEXES["fieldOverrides"]) > 3


@pytest.mark.parametrize("current,changes", [(None, 0), ("ours", 0), ("line 1\nline 2", 1)])
def test_other_rules_would_be_replaced(current: str | None, changes: int) -> None:
    assert len(find_rules_changes("ours", current)) == changes


class RulesApi(http.server.BaseHTTPRequestHandler):
    """Answers with a status, or with a release and its rules."""

    status = 200

    def do_GET(self) -> None:
        if self.path.endswith("/releases/cloud.firestore"):
            document: dict[str, Any] = {"rulesetName": "projects/p/rulesets/1"}
        else:
            document = {"source": {"files": [{"name": "firestore.rules", "content": "rules"}]}}
        body = json.dumps(document).encode()
        self.send_response(RulesApi.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def rules_api() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RulesApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status,rules", [(200, "rules"), (404, None)])
def test_the_rules_in_force_are_read(
    rules_api: str, status: int, rules: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RulesApi, "status", status)
    assert read_rules("p", "token", rules_api) == rules


@pytest.mark.parametrize("status", [403, 503])
def test_a_failure_is_never_taken_for_no_rules(
    rules_api: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RulesApi, "status", status)
    with pytest.raises(urllib.error.HTTPError, match=str(status)):
        read_rules("p", "token", rules_api)
