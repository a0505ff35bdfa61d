"""Kill and restart a served function at one address, and cut TCP connections."""

import os
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dev.local.processes import (
    LOOPBACK,
    MAIN_FILE,
    find_free_port,
    run_process,
    wait_until_reachable,
)

if TYPE_CHECKING:
    import subprocess
import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_START_SECONDS = 60


class KillableFunction:
    """A served function with a kill switch; `lines` contains its output."""

    def __init__(self, target: str, **variables: str) -> None:
        port = find_free_port()
        address = ["--host", LOOPBACK, "--port", str(port)]
        self._command = [sys.executable, "-m", "functions_framework", "--source", str(MAIN_FILE)]
        self._command += ["--target", target, *address]
        inherited = {
            name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))
        }
        self._variables = inherited | variables
        self._stack = ExitStack()
        self._child: subprocess.Popen[str] | None = None
        self.url = f"http://{LOOPBACK}:{port}/"
        self.lines: list[str] = []

    def start(self) -> None:
        """Start a process, and wait until it answers."""
        child = run_process(self._command, self.lines.append, self._variables)
        self._child = self._stack.enter_context(child)
        wait_until_reachable(self.url, _START_SECONDS, self._child)

    def stop(self) -> None:
        """End the process."""
        self._stack.close()

    def kill(self) -> None:
        """Kill the process as ``kill -9`` does, and start another."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGKILL)
        self.stop()
        self.start()


_CHUNK_BYTES = 65_536


class CuttableTcpProxy:
    """Forward TCP connections to a server; cut them on demand."""

    def __init__(self, host: str) -> None:
        address, _, port = host.partition(":")
        self._target = address, int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_up = True
        self.host = ""
        self.cuts = 0

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._is_up = False
        self.cuts += len(self._writers)
        for writer in self._writers:
            writer.transport.abort()

    def restore(self) -> None:
        """Let connections through again."""
        self._is_up = True

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_up:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(_forward(reader, far_writer), _forward(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}

    @asynccontextmanager
    async def open(self) -> AsyncIterator["CuttableTcpProxy"]:
        """Listen until the block ends."""
        server = await asyncio.start_server(self._connect, LOOPBACK, 0)
        self.host = f"{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.cut()
            server.close()
            await server.wait_closed()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
