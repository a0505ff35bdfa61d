"""Run in a fresh process by `dev.benchmarks.cold_start`: import, answer one request, print seconds.

Arguments ``"" ""`` import only the common libraries; ``TARGET REQUEST`` imports a function.
"""

import sys
import time

_started = time.perf_counter()


def main(target: str, request: str) -> None:
    """Import, answer and print the seconds since this process's first line."""
    if target:
        status = _send_request(target, request)
        sys.stdout.write(f"{status}\n")
    else:
        import functions_framework
        import google.cloud.firestore
    sys.stdout.write(f"{time.perf_counter() - _started}\n")


def _send_request(target: str, request: str) -> int:
    import asyncio
    import json

    from functions_framework.aio import create_asgi_app

    app = create_asgi_app(target, "main.py")  # type: ignore[no-untyped-call] # theirs
    request_fields = json.loads(request)
    headers = [
        (name.encode(), text.encode()) for name, text in request_fields.get("headers", {}).items()
    ]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request_fields["method"],
        "path": request_fields["path"],
        "raw_path": request_fields["path"].encode(),
        "query_string": b"",
        "headers": headers,
        "client": None,
        "server": None,
        "scheme": "http",
    }
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {
            "type": "http.request",
            "body": request_fields.get("body", "").encode(),
            "more_body": False,
        }

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return int(str(sent[0]["status"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
