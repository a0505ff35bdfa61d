import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.infra.provider_schema import INFRA_FOLDER
from tests.infra.google_provider import Terraform, use_terraform
from tests.infra.planned_resources import Resources, plan_resources

GENERATED_BY_TERRAFORM = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.plan")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A copy of the configuration that a test may change."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed here")
    return Path(shutil.copytree(INFRA_FOLDER, tmp_path / "infra", ignore=GENERATED_BY_TERRAFORM))


@pytest.fixture
def terraform(configuration: Path) -> Iterator[Terraform]:
    """Terraform with the stand-in provider in the copy."""
    with use_terraform(configuration) as program:
        yield program


@pytest.fixture
def planned() -> Resources:
    return plan_resources("production")
