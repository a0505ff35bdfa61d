import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dev.release.rehearsal import Rehearsal, rehearse

Project = tuple[Rehearsal, dict[str, Any]]


@pytest.fixture(scope="session")
def rehearsed_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in which builds can be run, and its state before the first one."""
    if not shutil.which("gcloud"):
        pytest.skip("the Cloud SDK is not installed here: it reads the build")
    with rehearse(tmp_path_factory.mktemp("rehearsal")) as rehearsal:
        yield rehearsal, rehearsal.state()


@pytest.fixture
def rehearsal(rehearsed_project: Project) -> Rehearsal:
    """A project before its first release."""
    rehearsal, state = rehearsed_project
    rehearsal.restore(state)
    return rehearsal
