"""firebase-tools, fetched by npm into the user's cache: `python -m dev.firebase`.

Only what tries `firebase.json` and the indexes' file on one's own machine needs it; it is some
300 MB, so nothing fetches it unasked.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from dev.bootstrap import cache_folder

VERSION = "15.34.2"  # as in cloudbuild.yaml
_INSTALL_SECONDS = 1800


def find_tools() -> Path | None:
    """Return the folder of the package firebase-tools, None where it was not fetched."""
    package = _folder() / "node_modules" / "firebase-tools"
    return package if (package / "lib" / "bin" / "firebase.js").is_file() else None


def main() -> None:
    """Fetch it, or end with a sentence that says what is missing."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("firebase: npm is missing: install Node 20 or newer and try again.")
    if find_tools():
        return
    print(f"Fetching firebase-tools {VERSION} (some 300 MB) …", flush=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(_folder())]
    command = [npm, "install", *quiet, f"firebase-tools@{VERSION}"]
    sys.exit(subprocess.run(command, timeout=_INSTALL_SECONDS, check=False).returncode)


def _folder() -> Path:
    return cache_folder() / "opentable-ledger" / f"firebase-tools-{VERSION}"


if __name__ == "__main__":
    main()
