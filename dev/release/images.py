"""`python -m dev.release.images`: pin the images of `cloudbuild.yaml` by their digests.

An image is pinned once. For another one, write its tag again: `_PYTHON_IMAGE: python:3.13`.
"""

import re
import subprocess
import sys
from pathlib import Path

BUILD_FILE = Path("cloudbuild.yaml")
# `_NAME_IMAGE: NAME:TAG # comment`, without a digest.
_UNPINNED = re.compile(r"^(  _\w+_IMAGE: )([^\s@]+):([\w.-]+)(?: # (.*))?$", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIMEOUT_SECONDS = 60


def main() -> None:
    """Replace each tag by a digest, and keep it as a comment."""
    BUILD_FILE.write_text(_UNPINNED.sub(_pin, BUILD_FILE.read_text()))


def _pin(match: re.Match[str]) -> str:
    setting, name, tag, comment = match.groups()
    digest = read_digest(f"{name}:{tag}")
    print(f"{name}:{tag} is {digest}")
    return f"{setting}{name}@{digest} # {tag}{f', {comment}' if comment else ''}"


def read_digest(image: str) -> str:
    """Return the digest that the image's registry has for a tag."""
    command = ["docker", "buildx", "imagetools", "inspect", image]
    completed = subprocess.run(
        [*command, "--format", "{{.Manifest.Digest}}"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    digest = completed.stdout.strip()
    if completed.returncode or not _DIGEST.fullmatch(digest):
        sys.exit(f"{image}: {completed.stderr.strip() or digest}")
    return digest


if __name__ == "__main__":
    main()
