"""Let the real gcloud parse commands, without account and network.

This runs in gcloud's own Python, once for many commands; each input line is a command in JSON.
gcloud reads all flags and files before it looks for an account. A command that fails for the
missing account was therefore parsed.
"""

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

DONE = "--- done:"
# gcloud reads all flags and files before it looks for an account, or for one to impersonate.
UNDERSTOOD = re.compile(
    "You do not currently have an active account selected|impersonation support is not available"
)
_SECONDS = 300
_FILE = re.compile(r"^--[a-z-]*-file=([^/\n]+)$", re.MULTILINE)


@functools.cache
def sdk() -> tuple[str, str]:
    """Return gcloud's own Python and gcloud's folder."""
    shown = "--format=value(basic.python_location,installation.sdk_root)"
    result = subprocess.run(
        ["gcloud", "info", shown],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    python, root = result.stdout.split()
    return python, root


def answers(folder: Path, commands: Sequence[Sequence[str]]) -> list[str]:
    """Return gcloud's output for each command, in a folder without account and project."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "CLOUDSDK_CONFIG": str(folder),
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",  # no account of a machine's own either
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_PROJECT": "restaurants",  # the default on the machine of a person
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }
    for name in _FILE.findall("\n".join(word for words in commands for word in words)):
        (folder / name).touch()  # a file on the machine of a person
    for file in Path(__file__).parents[3].glob("cloudbuild*.yaml"):
        shutil.copy(file, folder)
    python, root = sdk()
    done = subprocess.run(
        [python, __file__, root],
        env=environment,
        cwd=folder,
        input="\n".join(json.dumps(list(words)) for words in commands),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return [part.strip() for part in done.stdout.split(DONE)[:-1]]


def main() -> None:
    """Parse the commands of the input, inside gcloud's own Python."""
    root = Path(sys.argv[1])
    sys.path[:0] = [str(root / "lib"), str(root / "lib" / "third_party")]
    from googlecloudsdk import gcloud_main  # type: ignore[import-not-found] # noqa: PLC0415

    cli = gcloud_main.CreateCLI([])
    for line in sys.stdin.read().splitlines():
        try:
            cli.Execute(json.loads(line))
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- any failure is reported
            sys.stderr.write(f"({type(error).__name__}: {error})\n")
        sys.stderr.write(f"{DONE}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
