"""An HTTP server whose responses a test decides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from typing_extensions import override

from dev.local.processes import LOOPBACK

RespondToRequest = Callable[[str, bytes], tuple[int, bytes]]


@contextmanager
def serve_http(respond: RespondToRequest, **headers: str) -> Iterator[str]:
    """Serve for a `with` block; yield the address.

    Args:
        respond: Returns status and body of the response to a path and a body.
        headers: Headers of every response.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, body = respond(self.path, self.rfile.read(length))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name of the base class

        @override
        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
