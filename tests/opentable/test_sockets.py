"""The transport over real sockets: connections, chunks, truncated bodies."""

import gzip
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from shared.concurrency import Deadline
from shared.domain.webhook_auth import Credentials
from shared.errors import OpenTableUnavailableError
from shared.opentable.client import OpenTableClient
from shared.opentable.query import OpenTableAccess, OpenTableRow, Resource
from shared.opentable.transport import build_session

ROW = gzip.compress(b'{"id": "1-a"}')
TOKEN = b'{"access_token": "t", "expires_in": 60}'
FetchRow = Callable[[str], Awaitable[OpenTableRow | None]]


class RowHandler(BaseHTTPRequestHandler):
    """Sends rows complete, chunked or truncated; records connections and lengths."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[object]] = set()
    lengths: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.lengths.append(self.headers["Content-Length"])
        self.send_body(TOKEN)

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        if self.path.endswith("1-cut"):
            self.send_truncated()
        elif self.path.endswith("1-chunks"):
            self.send_chunks()
        else:
            self.send_body(ROW, "gzip")

    def send_body(self, body: bytes, encoding: str = "identity") -> None:
        self.send_response(200)
        if encoding != "identity":
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_chunks(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in (b'{"id":', b' "1-chunks"}', b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def send_truncated(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": "1-cut"}')
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fetch_row() -> Iterator[FetchRow]:
    RowHandler.connections.clear()
    RowHandler.lengths.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), RowHandler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    access = OpenTableAccess("1", Credentials(client_id="me", client_secret="hush"))
    with ThreadPoolExecutor(1) as executor, build_session(1) as session:
        client = OpenTableClient(url, url, session, executor)
        yield lambda key: client.fetch_row(access, Resource.RESERVATIONS, key, Deadline.after(5))
    server.shutdown()
    server.server_close()


async def test_one_connection_serves_many_calls(fetch_row: FetchRow) -> None:
    for _ in range(3):
        assert await fetch_row("a")
    assert len(RowHandler.connections) == 1


async def test_the_token_request_states_its_empty_body(fetch_row: FetchRow) -> None:
    await fetch_row("a")
    assert RowHandler.lengths == ["0"]


async def test_a_chunked_body_is_read_completely(fetch_row: FetchRow) -> None:
    assert await fetch_row("chunks") == {"id": "1-chunks"}


async def test_a_body_shorter_than_its_content_length_is_an_error(fetch_row: FetchRow) -> None:
    with pytest.raises(OpenTableUnavailableError):
        await fetch_row("cut")
