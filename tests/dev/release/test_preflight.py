"""The preflight lists what a release would change for other software."""

import http.server
import json
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from dev.bootstrap import ROOT
from dev.release import preflight
from dev.release.preflight import find_index_changes, find_rules_changes, read_rules

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


@pytest.fixture(autouse=True)
def rules_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RulesApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("dev.release.preflight.RULES_API", address)
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status,rules", [(200, "rules"), (404, None)])
def test_the_rules_in_force_are_read(
    status: int, rules: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RulesApi, "status", status)
    assert read_rules("p", "token") == rules


@pytest.mark.parametrize("status", [403, 503])
def test_a_failure_is_never_taken_for_no_rules(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RulesApi, "status", status)
    with pytest.raises(urllib.error.HTTPError, match=str(status)):
        read_rules("p", "token")


@pytest.mark.parametrize(
    "deploy_rules,approval,is_stopped",
    [("", "", False), ("yes", "", True), ("yes", "yes", False)],
    ids=["left alone", "not approved", "approved"],
)
def test_rules_of_other_software_are_replaced_only_after_an_approval(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    deploy_rules: str,
    approval: str,
    is_stopped: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "fields.json").write_text("[]")
    (tmp_path / "firestore.indexes.json").write_text('{"fieldOverrides": []}')
    (tmp_path / "firestore.rules").write_text("ours")
    substitutions = {"_DEPLOY_RULES": deploy_rules, "_APPROVE_CHANGES": approval, "_SITE": ""}
    for name, value in {**substitutions, "PROJECT_ID": "p", "ACCESS_TOKEN": "token"}.items():
        monkeypatch.setenv(name, value)
    if is_stopped:
        with pytest.raises(SystemExit, match="_APPROVE_CHANGES=yes"):
            preflight.main()
    else:
        preflight.main()
    is_listed = "replaces the 1 lines of the project's rules" in capsys.readouterr().out
    assert is_listed == (deploy_rules == "yes")
