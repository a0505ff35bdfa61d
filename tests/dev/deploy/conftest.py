from pathlib import Path

import pytest

from tests.dev.deploy.fake_gcloud import FakeGcloud, install


@pytest.fixture
def fake_gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGcloud:
    """A gcloud that records its calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return install(folder, monkeypatch)
