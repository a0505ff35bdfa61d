"""The set-up of a clone ends in a complete `.venv`, whatever it starts from.

The tests run dev/set_up.py in a small clone. Its lock pins a stand-in for uv, so pip needs no
network.
"""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.bootstrap import ROOT
from tests.dev.commands import run_program

SECONDS = 60
NO_HOME = "/dev/null/home"  # cannot be made, even by root
UV = """#!/bin/sh
if [ "$1" = --version ]; then echo "uv 9.9.9"; exit; fi
echo "$@ in $UV_PROJECT_ENVIRONMENT with $UV_CACHE_DIR" >> uv.log
if [ -p release ]; then echo > started; read -r line < release; fi
if [ -f broken ]; then echo "no such package"; exit 1; fi
"""
SYNC = "sync --frozen --quiet"


@dataclass(frozen=True)
class Clone:
    """A clone with bootstrap.py, a lock, and wheels for pip."""

    root: Path
    environment: dict[str, str]

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def command(self) -> list[str]:
        return [str(Path(sys.executable).resolve()), str(self.root / "dev" / "set_up.py")]

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(),
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def set_up_successfully(self, **environment: str) -> str:
        """Set up, and return the output."""
        done = self.set_up(**environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def change_lock(self) -> None:
        with (self.root / "uv.lock").open("a") as lock:
            lock.write("# changed\n")

    def syncs(self) -> list[str]:
        """Return the calls of `uv sync` since the last look."""
        log = self.root / "uv.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture(scope="module")
def first_set_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, list[str]]:
    """A set-up clone and its calls of `uv sync`, shared by the tests because it takes seconds."""
    made = make_clone(tmp_path_factory.mktemp("clone"))
    made.set_up_successfully()
    return made, made.syncs()


@pytest.fixture
def ready(first_set_up: tuple[Clone, list[str]]) -> Iterator[Clone]:
    """The same clone, with no traces of an earlier test."""
    clone, _ = first_set_up
    clone.set_up_successfully()
    clone.syncs()
    yield clone
    for name in ("broken", "release", "started"):
        (clone.root / name).unlink(missing_ok=True)


def make_clone(folder: Path) -> Clone:
    root, wheels = folder / "root", folder / "wheels"
    (root / "dev" / "local").mkdir(parents=True)
    wheels.mkdir()
    for name in ("bootstrap.py", "set_up.py"):
        shutil.copy(ROOT / "dev" / name, root / "dev")
    (root / "dev" / "local" / "emulator.py").write_text("")  # run by bootstrap.py
    wheel = make_wheel(wheels, "uv", "9.9.9", UV)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = ["[[package]]", 'name = "uv"', 'version = "9.9.9"']
    hashes = f'wheels = [{{ hash = "sha256:{"0" * 64}" }}, {{ hash = "sha256:{digest}" }}]\n'
    (root / "uv.lock").write_text("\n".join([*package, hashes]))
    return Clone(root, offline_environment(folder / "home", wheels))


def offline_environment(home: Path, wheels: Path) -> dict[str, str]:
    inherited = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "XDG_", "COV_", "COVERAGE_"))
    }
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    return inherited | offline | {"HOME": str(home)}


def make_wheel(folder: Path, name: str, version: str, script: str) -> Path:
    """Make a wheel with one script of the package's name."""
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}-{version}.data/scripts/{name}": script,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16  # an executable file
            archive.writestr(entry, text)
        record = "".join(f"{path},{checksum(text)},{len(text)}\n" for path, text in files.items())
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return wheel


def checksum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_first_set_up_installs_uv_and_syncs_the_lock(
    first_set_up: tuple[Clone, list[str]],
) -> None:
    clone, syncs = first_set_up
    cache = f"{clone.environment['HOME']}/.cache/uv"
    assert syncs == [f"{SYNC} in {clone.venv} with {cache}"]


def test_a_second_set_up_does_nothing_and_needs_no_network(ready: Clone) -> None:
    done = ready.set_up(PIP_FIND_LINKS="")
    assert (done.returncode, done.stdout, ready.syncs()) == (0, "", [])


def test_a_changed_lock_is_synced_in_the_same_environment(ready: Clone) -> None:
    kept = ready.venv / "kept"
    kept.touch()
    ready.change_lock()
    ready.set_up_successfully(PIP_FIND_LINKS="")
    assert len(ready.syncs()) == 1
    assert kept.exists()


def test_an_environment_of_another_python_is_made_anew(ready: Clone) -> None:
    program = ready.venv / "bin" / "python"
    program.unlink()
    program.write_text("#!/bin/sh\necho 3.9\n")
    program.chmod(0o755)
    ready.change_lock()
    assert "Making .venv" in ready.set_up_successfully()
    assert program.is_symlink()


def test_an_environment_whose_python_was_removed_is_made_anew(ready: Clone) -> None:
    program = ready.venv / "bin" / "python"
    program.unlink()
    program.symlink_to("/nowhere/python")
    ready.set_up_successfully()
    assert program.exists()


def test_a_copied_clone_gets_an_environment_of_its_own(ready: Clone, tmp_path: Path) -> None:
    copy = Clone(tmp_path / "copy", ready.environment)
    shutil.copytree(ready.root, copy.root, symlinks=True)
    assert "Making .venv" in copy.set_up_successfully()
    assert str(copy.venv) in (copy.venv / "bin" / "pip").read_text()


def test_an_environment_that_the_user_made_is_used(ready: Clone) -> None:
    kept = ready.venv / "kept"
    kept.touch()
    (ready.venv / "set-up.txt").unlink()
    ready.set_up_successfully()
    assert kept.exists()


def test_a_failed_set_up_shows_why_and_the_next_one_starts_over(ready: Clone) -> None:
    ready.change_lock()
    (ready.root / "broken").touch()
    done = ready.set_up()
    assert (done.returncode, "no such package" in done.stdout) == (1, True)
    assert "Traceback" not in done.stdout
    (ready.root / "broken").unlink()
    assert "Making .venv" in ready.set_up_successfully()


def test_after_a_killed_set_up_the_next_waits_for_what_it_started_and_starts_over(
    ready: Clone,
) -> None:
    ready.change_lock()
    first = start_and_pause(ready)
    first.kill()
    first.communicate(timeout=SECONDS)
    second = start_waiting_set_up(ready)
    resume(ready)
    output = second.communicate(timeout=SECONDS)[0]
    assert second.returncode == 0, output
    assert "Making .venv" in output


def test_of_two_set_ups_at_once_one_waits_and_does_nothing(ready: Clone) -> None:
    ready.change_lock()
    first = start_and_pause(ready)
    second = start_waiting_set_up(ready)
    resume(ready)
    outputs = [child.communicate(timeout=SECONDS)[0] for child in (first, second)]
    assert [child.returncode for child in (first, second)] == [0, 0]
    assert "Set up in" in outputs[0]
    assert outputs[1] == ""
    assert len(ready.syncs()) == 1


def start_set_up(clone: Clone) -> subprocess.Popen[str]:
    return subprocess.Popen(
        clone.command(),
        env=clone.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_waiting_set_up(clone: Clone) -> subprocess.Popen[str]:
    """Start a set-up while another one runs, and return when it waits."""
    child = start_set_up(clone)
    assert child.stdout is not None
    assert child.stdout.readline() == "Waiting for another set-up of this clone …\n"
    return child


def start_and_pause(clone: Clone) -> subprocess.Popen[str]:
    """Start a set-up, and return when it is in the middle of `uv sync`."""
    for name in ("started", "release"):
        os.mkfifo(clone.root / name)
    child = start_set_up(clone)
    (clone.root / "started").read_text()
    return child


def resume(clone: Clone) -> None:
    release = clone.root / "release"
    release.write_text("\n")
    release.unlink()


INTERRUPTED = "\nInterrupted: run the same command again to continue.\n"


def test_ctrl_c_ends_a_set_up_with_one_sentence_and_the_next_one_starts_over(
    ready: Clone,
) -> None:
    ready.change_lock()
    child = start_and_pause(ready)
    child.send_signal(signal.SIGINT)
    output = child.communicate(timeout=SECONDS)[0]
    assert (child.returncode, output.endswith(INTERRUPTED)) == (130, True)
    assert "Traceback" not in output
    (ready.root / "release").unlink()
    ready.set_up_successfully()
    assert len(ready.syncs()) == 2


def test_ctrl_c_while_a_command_starts_ends_the_command_too(ready: Clone, tmp_path: Path) -> None:
    # Interrupts the set-up inside of `Popen`, when the command runs already.
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, subprocess\n"
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, command, *args, **options):\n"
        "        super().__init__(command, *args, **options)\n"
        "        'sync' in command and signal.raise_signal(signal.SIGINT)\n"
        "subprocess.Popen = Popen\n"
    )
    ready.change_lock()
    os.mkfifo(ready.root / "release")  # the command would wait forever, with the lock
    done = ready.set_up(PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout.endswith(INTERRUPTED)) == (130, True)
    (ready.root / "release").unlink()
    ready.set_up_successfully()


def test_ctrl_c_ends_the_preparation_of_the_emulator_and_its_process(ready: Clone) -> None:
    os.mkfifo(ready.root / "started")
    emulator = ready.root / "dev" / "local" / "emulator.py"
    emulator.write_text(
        "import os, time\nopen('started', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    child = start_set_up(ready)
    emulator_pid = int((ready.root / "started").read_text())
    child.send_signal(signal.SIGINT)
    output = child.communicate(timeout=SECONDS)[0]
    emulator.write_text("")
    assert (child.returncode, output) == (130, INTERRUPTED)
    with pytest.raises(ProcessLookupError):
        os.killpg(emulator_pid, 0)


def test_ctrl_c_during_the_imports_of_a_set_up_is_one_sentence_too(tmp_path: Path) -> None:
    clone = make_clone(tmp_path)
    bootstrap = clone.root / "dev" / "bootstrap.py"
    bootstrap.write_text("import signal\nsignal.raise_signal(signal.SIGINT)\nprint('no')\n")
    done = clone.set_up()
    assert (done.returncode, done.stdout) == (130, INTERRUPTED)


def test_an_environment_that_another_clone_uses_is_never_cleared(
    ready: Clone, tmp_path: Path
) -> None:
    other = make_clone(tmp_path)
    (other.root / ".venv").symlink_to(ready.venv)
    refused = other.set_up()
    assert (refused.returncode, "is a link" in refused.stdout) == (1, True)
    assert (ready.venv / "bin" / "python").exists()


@pytest.mark.parametrize(
    "module, words",
    [
        ("dev.command_line", ["-m", "dev", "mock"]),
        ("dev.local.run", ["-m", "dev", "mock"]),
        ("cli.app", ["-m", "cli", "restaurants", "list"]),
        ("click", ["-m", "cli", "restaurants", "list"]),
        ("google.cloud.firestore", ["-m", "cli", "restaurants", "status", "x"]),
    ],
)
def test_ctrl_c_during_the_imports_is_one_sentence_too(
    module: str, words: list[str], tmp_path: Path
) -> None:
    # Interrupts the process when it imports the module.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.abc, signal, sys\n"
        "class Interrupt(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}:\n"
        "            sys.meta_path.remove(self)\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = run_program(sys.executable, *words, env=environment)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", INTERRUPTED.strip())


def test_an_old_python_gets_one_sentence(tmp_path: Path) -> None:
    python = tmp_path / "python2.7"
    python.write_text("#!/bin/sh\necho SyntaxError >&2\nexit 1\n")
    python.chmod(0o755)
    for name in (str(python), "python3.99"):
        done = run_program("make", "--silent", "bootstrap", f"PYTHON={name}")
        sentence, _ = done.stderr.splitlines()  # the second line is make's own
        assert sentence.startswith("PYTHON must be Python 3.11 or newer")


def test_without_a_usable_home_directory_the_cache_is_in_the_clone(ready: Clone) -> None:
    ready.change_lock()
    ready.set_up_successfully(HOME=NO_HOME)
    cache = ready.root / "build" / "cache" / "uv"
    assert ready.syncs() == [f"{SYNC} in {ready.venv} with {cache}"]


def test_the_users_own_cache_setting_is_respected(ready: Clone, tmp_path: Path) -> None:
    ready.change_lock()
    ready.set_up(HOME=NO_HOME, UV_CACHE_DIR=str(tmp_path))
    assert ready.syncs() == [f"{SYNC} in {ready.venv} with {tmp_path}"]


def test_a_python_without_ensurepip_names_the_package_to_install(
    ready: Clone, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    shutil.rmtree(ready.venv)
    done = ready.set_up(PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == (
        "bootstrap: This Python has no ensurepip module: install it (Debian: "
        "`apt-get install python3-venv`) and try again.\n"
    )
