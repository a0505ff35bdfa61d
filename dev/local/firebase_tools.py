"""Install firebase-tools with npm in the user's cache: `python -m dev.local.firebase_tools`.

Only tests of `firebase.json` and of the indexes file need it. It takes 300 MB, so no other command
installs it.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from dev.bootstrap import find_cache_folder

FIREBASE_TOOLS_VERSION = "15.34.2"  # as in cloudbuild.yaml
_INSTALL_TIMEOUT_SECONDS = 1800


def find_firebase_tools() -> Path | None:
    """Return the folder of firebase-tools, None if it is not installed."""
    package = _get_install_folder() / "node_modules" / "firebase-tools"
    return package if (package / "lib" / "bin" / "firebase.js").is_file() else None


def main() -> None:
    """Install it, or exit with one sentence about the problem."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing: install Node 20 or newer and try again.")
    if find_firebase_tools():
        return
    print(f"Fetching firebase-tools {FIREBASE_TOOLS_VERSION} (about 300 MB) …", flush=True)
    options = ["--no-audit", "--no-fund", "--loglevel=error", f"--prefix={_get_install_folder()}"]
    command = [npm, "install", *options, f"firebase-tools@{FIREBASE_TOOLS_VERSION}"]
    sys.exit(subprocess.run(command, timeout=_INSTALL_TIMEOUT_SECONDS, check=False).returncode)


def _get_install_folder() -> Path:
    return find_cache_folder() / "opentable-ledger" / f"firebase-tools-{FIREBASE_TOOLS_VERSION}"


if __name__ == "__main__":
    main()
