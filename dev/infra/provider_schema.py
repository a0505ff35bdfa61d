"""`python -m dev.infra.provider_schema`: copy the provider's schema of the resources in `infra/`.

The Google provider has no schema file. CDK Terrain generates bindings from the schema and publishes
them on PyPI. This module reads the generated code. With `--check` it compares and writes nothing.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

from dev.bootstrap import ROOT

BINDINGS = "cdktn-provider-google==21.1.0"
PROVIDER_VERSION = "8.7.0"
INFRA_FOLDER = ROOT / "infra"
SCHEMA_FILE = ROOT / "tests" / "infra" / "google_provider_schema.json"
_DOWNLOAD_FOLDER = ROOT / "build" / "provider-schema"
_DOWNLOAD_SECONDS = 600

# Kind and type, without `google_`, of a resource or data source.
_DECLARATION = re.compile(r'^(resource|data) "google_(\w+)"', re.MULTILINE)
_CLASS = re.compile(r"^class (\w+) extends .*?^}$", re.MULTILINE | re.DOTALL)
_BLOCK_FUNCTION = re.compile(
    r"^function (\w+)ToHclTerraform\(struct\) {(.*?)^}$", re.MULTILINE | re.DOTALL
)
_RESOURCE_ARGUMENTS = re.compile(
    r"^    synthesizeHclAttributes\(\) {(.*)", re.MULTILINE | re.DOTALL
)
_ARGUMENT = re.compile(
    r'^ +(\w+): {\s+value: [^\n]+\s+isBlock: (\w+),\s+type: "(\w+)",\s+storageClassType: "(\w+)"',
    re.MULTILINE,
)
# The generator writes the flags of each attribute as a comment.
_BEHAVIOR = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)")
# What only the provider sets has no argument, just a getter.
_GETTER = re.compile(r"return this\.get(String|Number|Boolean|List|StringMap)Attribute\('(\w+)'\)")
# A block that occurs at most once is created directly, every other one through a list class.
_SINGLE_BLOCK = re.compile(r'new \w+OutputReference\(this, "(\w+)"\)')
# In lower case: a getter writes `String` for the type `string`.
_TYPES: dict[str, Any] = {
    "string": "string",
    "boolean": "bool",
    "number": "number",
    "list": ["list", "string"],
    "stringmap": ["map", "string"],
    "booleanmap": ["map", "bool"],
    "numbermap": ["map", "number"],
}


def main() -> None:
    """Write the schema, or compare it."""
    parser = argparse.ArgumentParser(prog="python -m dev.infra.provider_schema")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    is_check = parser.parse_args().check
    text = json.dumps(read_schema(_download()), indent=1, sort_keys=True) + "\n"
    if not is_check:
        SCHEMA_FILE.write_text(text)
    elif SCHEMA_FILE.read_text() != text:
        sys.exit(f"{SCHEMA_FILE.name} differs from {BINDINGS}: run this again without --check.")
    print(f"{SCHEMA_FILE.name} has the schema of provider {PROVIDER_VERSION}.")


def read_schema(bindings: tarfile.TarFile) -> dict[str, Any]:
    """Return the schema of the provider and of every declared type."""
    configuration = "\n".join(path.read_text() for path in sorted(INFRA_FOLDER.glob("*.tf")))
    provider = parse_bindings(_read_module(bindings, "provider"))
    # Without the hundreds of endpoints.
    attributes = {
        name: attribute
        for name, attribute in sorted(provider["attributes"].items())
        if not name.endswith("_custom_endpoint")
    }
    schema: dict[str, Any] = {
        "source": BINDINGS,
        "version": PROVIDER_VERSION,
        "provider": provider | {"attributes": attributes},
        "resource": {},
        "data": {},
    }
    for kind, name in sorted(set(_DECLARATION.findall(configuration))):
        folder = name.replace("_", "-")
        code = _read_module(bindings, f"data-google-{folder}" if kind == "data" else folder)
        schema[kind][f"google_{name}"] = parse_bindings(code)
    return schema


def parse_bindings(code: str) -> dict[str, Any]:
    """Return attributes and blocks of the type that a generated module is about."""
    classes = {match[1]: match[0] for match in _CLASS.finditer(code)}
    block_functions = {match[1]: match[2] for match in _BLOCK_FUNCTION.finditer(code)}

    def parse_block(arguments: str, body: str) -> dict[str, Any]:
        attributes = dict(_parse_attributes(arguments, body))
        singles = set(_SINGLE_BLOCK.findall(body))
        required = {(name, flag) for name, _, _, flag in _BEHAVIOR.findall(body)}
        blocks = {}
        for name, is_block, nesting, class_name in _ARGUMENT.findall(arguments):
            if is_block == "true":
                base = class_name if nesting == "struct" else class_name.removesuffix("List")
                function = base[0].lower() + base[1:]
                reference = classes.get(f"{base}OutputReference", "")  # the provider has none
                block = parse_block(block_functions[function], reference)
                nesting_mode = "single" if nesting == "struct" else nesting
                blocks[name] = {"nesting": nesting_mode, "single": name in singles, **block}
                blocks[name]["required"] = (name, "true") in required
        return {"attributes": attributes, "blocks": blocks}

    [(main_class, arguments)] = [
        (body, found[1]) for body in classes.values() if (found := _RESOURCE_ARGUMENTS.search(body))
    ]
    return parse_block(arguments, main_class)


def _parse_attributes(arguments: str, body: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each attribute: the arguments, and what only the provider sets."""
    behavior = {name: flags for name, *flags in _BEHAVIOR.findall(body)}
    types = {
        name: _TYPES.get(storage.lower()) or [nesting, storage.removesuffix("List")]
        for name, is_block, nesting, storage in _ARGUMENT.findall(arguments)
        if is_block == "false"
    }
    types |= {
        name: _TYPES[getter.lower()]
        for getter, name in _GETTER.findall(body)
        if name in behavior and behavior[name] == ["true", "false", "false"]
    }
    for name, kind in types.items():
        flags = behavior.get(name, ["false", "true", "false"])
        words = zip(("computed", "optional", "required"), flags, strict=True)
        yield name, {"type": kind, **{word: True for word, flag in words if flag == "true"}}


def _download() -> tarfile.TarFile:
    """Return the generated code inside the bindings' wheel."""
    options = ["--no-deps", "--quiet", "--dest", str(_DOWNLOAD_FOLDER)]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, BINDINGS],
        check=True,
        timeout=_DOWNLOAD_SECONDS,
    )
    name, _, version = BINDINGS.partition("==")
    [wheel] = _DOWNLOAD_FOLDER.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [inner] = [file for file in archive.namelist() if file.endswith(".jsii.tgz")]
        return tarfile.open(fileobj=io.BytesIO(archive.read(inner)))


def _read_module(bindings: tarfile.TarFile, folder: str) -> str:
    file = bindings.extractfile(f"package/lib/{folder}/index.js")
    if file is None:
        raise LookupError(f"The provider has no {folder}.")
    text = file.read().decode()
    # The module of the provider itself does not name the version.
    if f"providerVersion: '{PROVIDER_VERSION}'" not in text and folder != "provider":
        raise LookupError(f"{folder} is not of provider {PROVIDER_VERSION}.")
    return text


if __name__ == "__main__":
    main()
