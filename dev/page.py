"""Build the staff page for Firebase Hosting: `python -m dev.page build/page`.

All files that index.html loads move below `/v/{version}/`. The version is a hash of their content,
so browsers may cache them for ever. The modules stay as they are: there is no bundler. The local
gateway serves the same addresses from the source folder, without a build.
"""

import hashlib
import shutil
import sys
from pathlib import Path

PAGE_SOURCE = Path(__file__).resolve().parents[1] / "public"
VERSION_PREFIX = "/v/"
# They name versioned files, and have a fixed address themselves.
ENTRY_FILES = ("index.html", "manifest.webmanifest", "sw.js")
_VERSIONED_FOLDERS = ("css", "icons", "js", "vendor")
_VERSION_LENGTH = 12


def list_versioned_files(source: Path = PAGE_SOURCE) -> list[str]:
    """Return the paths of the files with a versioned address, relative to the page's folder."""
    files = (path for folder in _VERSIONED_FOLDERS for path in (source / folder).rglob("*"))
    return sorted(path.relative_to(source).as_posix() for path in files if path.is_file())


def compute_version(source: Path = PAGE_SOURCE) -> str:
    """Return the hash of all files of the page."""
    digest = hashlib.sha256()
    for name in (*ENTRY_FILES, *list_versioned_files(source)):
        content = (source / name).read_bytes()
        # The length keeps two files apart from one with both contents.
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_VERSION_LENGTH]


def render_entry_file(name: str, source: Path = PAGE_SOURCE) -> str:
    """Return an entry file with the addresses of the current version."""
    version = compute_version(source)
    text = (source / name).read_text()
    if name == "sw.js":
        # Notes about vendored files are never requested.
        files = ", ".join(
            f'"{VERSION_PREFIX}{version}/{path}"'
            for path in list_versioned_files(source)
            if not path.endswith(".md")
        )
        # The two placeholders of the file.
        return text.replace('"development"', f'"{version}"').replace(
            "FILES = []", f"FILES = [{files}]"
        )
    for folder in _VERSIONED_FOLDERS:
        text = text.replace(f'"/{folder}/', f'"{VERSION_PREFIX}{version}/{folder}/')
    return text


def build_page(target: Path, source: Path = PAGE_SOURCE) -> str:
    """Write the page for Hosting to a new folder and return its version."""
    shutil.rmtree(target, ignore_errors=True)
    versioned = target / VERSION_PREFIX.strip("/") / compute_version(source)
    for name in list_versioned_files(source):
        (versioned / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, versioned / name)
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    for name in ENTRY_FILES:
        (target / name).write_text(render_entry_file(name, source))
    return versioned.name


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and its argument
        sys.exit("Usage: python -m dev.page FOLDER")
    print(f"Built version {build_page(Path(sys.argv[1]))} of the page in {sys.argv[1]}.")
