"""The preflight lists what a release would change for other software."""

import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.bootstrap import ROOT
from dev.release import preflight
from dev.release.preflight import find_index_changes, find_rules_changes, read_rules
from tests.dev.http_server import serve_http

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


@pytest.mark.parametrize(
    "current,before",
    [
        pytest.param([], "the automatic indexes", id="automatic indexes"),
        pytest.param([field("sync", ASCENDING)], "ASCENDING (COLLECTION)", id="other indexes"),
        pytest.param(
            [field("sync", ttlConfig={"state": "ACTIVE"})],
            "no index, time to live",
            id="time to live",
        ),
    ],
)
def test_a_field_with_other_settings_would_change(
    current: list[dict[str, Any]], before: str
) -> None:
    [line] = find_index_changes(WANTED, current)
    assert line == f"reservations.sync: {before} -> no index"


def test_a_field_with_the_same_settings_would_not_change() -> None:
    assert list(find_index_changes(WANTED, [field("sync")])) == []


def test_fields_of_other_software_are_not_listed() -> None:
    assert list(find_index_changes(WANTED, [field("sync"), field("menu", ASCENDING)])) == []


def test_every_field_of_the_index_file_is_compared() -> None:
    lines = list(find_index_changes(INDEXES, []))
    assert len(lines) == len(INDEXES["fieldOverrides"]) > 3


@pytest.mark.parametrize("current,changes", [(None, 0), ("ours", 0), ("line 1\nline 2", 1)])
def test_other_rules_would_be_replaced(current: str | None, changes: int) -> None:
    assert len(find_rules_changes("ours", current)) == changes


@pytest.fixture(autouse=True)
def rules_status(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The status with which the API of the rules answers."""
    status: int = getattr(request, "param", 200)

    def respond(path: str, _body: bytes) -> tuple[int, bytes]:
        document: dict[str, Any] = {"rulesetName": "projects/p/rulesets/1"}
        if "/rulesets/" in path:
            document = {"source": {"files": [{"name": "firestore.rules", "content": "rules"}]}}
        return status, json.dumps(document).encode()

    with serve_http(respond) as url:
        monkeypatch.setattr("dev.release.preflight.RULES_API", url)
        yield status


@pytest.mark.parametrize(
    "rules_status,rules", [(200, "rules"), (404, None)], indirect=["rules_status"]
)
def test_the_rules_in_force_are_read(rules: str | None) -> None:
    assert read_rules("p", "token") == rules


@pytest.mark.parametrize("rules_status", [403, 503], indirect=True)
def test_a_failure_is_never_taken_for_no_rules(rules_status: int) -> None:
    with pytest.raises(urllib.error.HTTPError, match=str(rules_status)):
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
