"""The resources that Terraform plans for an environment, by type and key."""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from dev.infra.provider_schema import INFRA_FOLDER
from tests.infra.google_provider import use_terraform

ENVIRONMENTS = sorted(path.stem for path in INFRA_FOLDER.glob("*.tfvars"))
Resources = dict[str, dict[str, dict[str, Any]]]


@functools.cache
def plan_resources(environment: str) -> Resources:
    """Return the planned values: resource type, then `NAME` or `NAME[KEY]`, then arguments."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed here")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(INFRA_FOLDER, Path(folder) / "infra"))
        with use_terraform(copy) as terraform:
            plan = terraform.plan(Path(f"{environment}.tfvars"))
    found: Resources = {}
    for resource in plan["planned_values"]["root_module"]["resources"]:
        index = f"[{resource['index']}]" if "index" in resource else ""
        found.setdefault(resource["type"], {})[resource["name"] + index] = resource["values"]
    return found
