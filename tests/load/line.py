"""A line to a server that can be cut: every connection ends, and new ones come to nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dev.processes import LOOPBACK

_CHUNK_BYTES = 65_536


class CuttableTcpProxy:
    """Forwards what comes to a port of its own.

    Args:
        host: ``address:port`` of the server.

    Attributes:
        host: Where it listens, as ``address:port``.
        cuts: How many connections were cut.
    """

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
