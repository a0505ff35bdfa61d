import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dev.release.rehearsal import Rehearsal, rehearse

Project = tuple[Rehearsal, dict[str, Any]]
SKIPPED_AUDIT = "CVE in the audit service; approved by the owner"


@pytest.fixture(scope="session")
def rehearsed_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in which builds can be run, and its state before the first one."""
    if not shutil.which("gcloud"):
        pytest.skip("the Cloud SDK is not installed here: it reads the build")
    with rehearse(tmp_path_factory.mktemp("rehearsal")) as rehearsal:
        yield rehearsal, rehearsal.cloud.state


@pytest.fixture
def rehearsal(rehearsed_project: Project) -> Rehearsal:
    """A project before its first release."""
    rehearsal, state = rehearsed_project
    rehearsal.restore(state)
    return rehearsal


@pytest.fixture(scope="session")
def first_release(
    rehearsed_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Rehearsal:
    """A project after its first release, without an audit; tests only read it."""
    rehearsal, state = rehearsed_project
    rehearsal.restore(state)
    failed = rehearsal.run(_APPROVE_CHANGES="yes", _SKIP_AUDIT=SKIPPED_AUDIT)
    assert failed is None, rehearsal.last_output
    return rehearsal.copy(tmp_path_factory.mktemp("first-release"))
