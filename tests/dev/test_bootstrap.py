"""The set-up installs missing parts, and reports a problem in one sentence."""

import sys
from pathlib import Path

import pytest

from dev.bootstrap import (
    ROOT,
    SetUpError,
    check_modules,
    check_python,
    find_cache_folder,
    fingerprint,
    run_step,
)
from dev.release import DEPLOYED_PYTHON


def test_an_old_python_is_refused_by_its_version() -> None:
    with pytest.raises(SetUpError, match=r"this is 3\.10: name one"):
        check_python((3, 10))


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (4, 0)])
def test_a_new_enough_python_is_taken(version: tuple[int, int]) -> None:
    check_python(version)


def test_a_split_python_package_reports_the_missing_part() -> None:
    with pytest.raises(SetUpError, match=r"no no_such_part module.*python3-venv"):
        check_modules(("venv", "no_such_part"))


def test_the_tests_prefer_the_python_of_the_deployed_functions() -> None:
    assert f"PYTHON ?= $(shell python{DEPLOYED_PYTHON} " in (ROOT / "Makefile").read_text()
    # Written with or without a digest.
    assert f"  _PYTHON_IMAGE: python:{DEPLOYED_PYTHON}" in (ROOT / "cloudbuild.yaml").read_text()
    image = (ROOT / "cloudbuild.image.yaml").read_text()
    assert f"--env=GOOGLE_PYTHON_VERSION={DEPLOYED_PYTHON}.x\n" in image


@pytest.mark.parametrize("home", ["/dev/null/home", None])
def test_without_a_usable_home_directory_downloads_go_to_the_clone(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_home(home, monkeypatch)
    assert find_cache_folder() == ROOT / "build" / "cache"


def test_downloads_go_to_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_home(str(tmp_path), monkeypatch)
    assert find_cache_folder() == tmp_path / ".cache"


def set_home(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the home directory. None is a user without one, as in a container."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    else:
        monkeypatch.setenv("HOME", home)


def test_the_fingerprint_changes_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    seen = set()
    for text in ["1", "2", "12", ""]:
        file.write_text(text)
        seen.add(fingerprint(file))
    assert len(seen) == 4


def test_a_step_that_succeeds_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    run_step("Counting", [sys.executable, "-c", "print('noise')"])
    assert capfd.readouterr().out == "Counting …\n"


def test_a_failed_step_shows_its_output() -> None:
    with pytest.raises(SetUpError, match=r"(?s)what went wrong.*Counting failed"):
        run_step("Counting", [sys.executable, "-c", "raise SystemExit('what went wrong')"])


def test_a_slow_step_gives_a_sign_of_life(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.bootstrap._HEARTBEAT_SECONDS", 0.05)
    run_step("Counting", [sys.executable, "-c", "import threading; threading.Event().wait(0.2)"])
    assert "in progress" in capfd.readouterr().out
