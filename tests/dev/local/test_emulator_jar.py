"""The emulator of the Cloud SDK or firebase-tools is found, or downloaded."""

import zipfile
from pathlib import Path

import pytest

from dev.local.emulator_files import (
    EMULATOR_MAIN_CLASS,
    DownloadSpec,
    EmulatorError,
    ensure_jar,
    find_jar,
    read_required_java_version,
)
from dev.local.processes import LOOPBACK, find_free_port

IN_SDK = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide every emulator of this machine."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("FIREBASE_EMULATORS_PATH", str(tmp_path / "firebase"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CLOUDSDK_ROOT", raising=False)
    monkeypatch.setattr("dev.local.emulator_files.DEFAULT_SDK_ROOTS", ())


def create_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def unreachable_jar() -> DownloadSpec:
    return DownloadSpec(f"http://{LOOPBACK}:{find_free_port()}/emulator-v1.jar", 1, "")


def test_a_bare_machine_has_none() -> None:
    assert find_jar() is None


def test_a_user_without_a_home_directory_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIREBASE_EMULATORS_PATH")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr("dev.local.emulator_files.DEFAULT_SDK_ROOTS", ("~/google-cloud-sdk",))
    assert find_jar() is None


def test_it_is_found_below_cloudsdk_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = create_file(tmp_path / "sdk" / IN_SDK)
    monkeypatch.setenv("CLOUDSDK_ROOT", str(tmp_path / "sdk"))
    assert find_jar() == jar


def test_it_is_found_through_a_link_to_gcloud(tmp_path: Path) -> None:
    jar = create_file(tmp_path / "sdk" / IN_SDK)
    gcloud = create_file(tmp_path / "sdk" / "bin" / "gcloud")
    gcloud.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gcloud").symlink_to(gcloud)
    assert find_jar() == jar


def test_it_is_found_where_an_sdk_usually_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = create_file(tmp_path / "usual" / IN_SDK)
    monkeypatch.setattr("dev.local.emulator_files.DEFAULT_SDK_ROOTS", (str(tmp_path / "usual"),))
    assert find_jar() == jar


def test_the_newest_in_firebase_tools_cache_is_taken(tmp_path: Path) -> None:
    create_file(tmp_path / "firebase" / "cloud-firestore-emulator-v1.9.9.jar")
    newest = create_file(tmp_path / "firebase" / "cloud-firestore-emulator-v1.22.0.jar")
    create_file(tmp_path / "firebase" / "cloud-firestore-emulator-v1.19.10.jar")
    assert find_jar() == newest


def test_a_jar_that_was_fetched_once_is_not_fetched_again(
    tmp_path: Path, unreachable_jar: DownloadSpec
) -> None:
    kept = create_file(tmp_path / "cache" / "opentable-ledger" / "emulator-v1.jar")
    assert ensure_jar(unreachable_jar) == kept


def test_a_failed_download_says_what_to_do(unreachable_jar: DownloadSpec) -> None:
    with pytest.raises(EmulatorError, match="Install the Cloud SDK's component"):
        ensure_jar(unreachable_jar)


@pytest.mark.parametrize("class_version,java", [(55, 17), (61, 17), (65, 21)])
def test_the_required_java_version_is_read_from_the_jar(
    tmp_path: Path, class_version: int, java: int
) -> None:
    with zipfile.ZipFile(tmp_path / "emulator.jar", "w") as jar:
        header = b"\xca\xfe\xba\xbe\0\0" + class_version.to_bytes(2)
        jar.writestr(EMULATOR_MAIN_CLASS.replace(".", "/") + ".class", header + b"\0" * 64)
    assert read_required_java_version(tmp_path / "emulator.jar") == java


@pytest.mark.parametrize("is_archive", [False, True], ids=["damaged", "unrelated"])
def test_a_file_that_is_no_emulator_is_reported_by_path(tmp_path: Path, is_archive: bool) -> None:
    file = create_file(tmp_path / "other.jar")
    if is_archive:
        with zipfile.ZipFile(file, "w") as jar:
            jar.writestr("Other.class", b"")
    with pytest.raises(EmulatorError, match=r"other\.jar is not a Firestore emulator"):
        read_required_java_version(file)
