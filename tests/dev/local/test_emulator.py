"""The emulator responds, clears data on request, and fails with one sentence."""

import socket

import pytest
from google.cloud.firestore import AsyncClient

from dev.local.emulator import Emulator, start_emulator
from dev.local.emulator_files import EmulatorError
from dev.local.processes import LOOPBACK, is_port_free


async def test_clearing_a_project_deletes_its_documents_and_no_others(
    emulator: Emulator, firestore: AsyncClient, project: str
) -> None:
    document = firestore.document("restaurants/demo")
    await document.set({"covers": 40})
    emulator.clear("some-other-project")
    assert (await document.get()).to_dict() == {"covers": 40}
    emulator.clear(project)
    assert not (await document.get()).exists


def test_an_emulator_is_gone_when_its_block_is_left() -> None:
    with start_emulator() as emulator:
        port = int(emulator.host.rpartition(":")[2])
        assert not is_port_free(port)
    assert is_port_free(port)


def test_a_port_in_use_gives_a_one_line_error() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with (
            pytest.raises(EmulatorError, match=rf"^Port {port} is taken: stop what listens"),
            start_emulator(port),
        ):
            pass
