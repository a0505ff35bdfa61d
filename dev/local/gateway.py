"""Serve all functions and the staff page on one address: `python -m dev.local.gateway --port N`.

The framework's own code serves the functions. The gateway only routes requests, as Firebase Hosting
does in production, and sends the headers of firebase.json.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import uvicorn
from functions_framework.aio import create_asgi_app
from functions_framework.exceptions import FunctionsFrameworkException
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

from cli.target import LOCAL_STATUS_PATH, LOCAL_WEBHOOK_PATH, build_run_url
from dev.bootstrap import ROOT
from dev.local.demo_data import DEMO_RESTAURANT_ID
from dev.local.demo_staff import (
    DEMO_STAFF_EMAILS,
    DEMO_TOKEN_PATH,
    build_demo_accounts,
    handle_token_request,
)
from dev.local.processes import LOOPBACK
from dev.page import ENTRY_FILES, VERSION_PREFIX, render_entry_file
from shared.errors import InvalidSettingsError

# Firebase Hosting serves the web configuration of its project at this address.
PAGE_CONFIGURATION_PATH = "/__/firebase/init.json"
# Shorter than the time until the parent process ends this one.
_SHUTDOWN_TIMEOUT_SECONDS = 1
_FUNCTION_TARGETS = {
    "/api/{rest:path}": "api",
    "/opentable-webhook": "opentable_webhook",
    "/opentable-poll": "opentable_poll",
    "/opentable-reconcile": "opentable_reconcile",
}


class StaffPageFiles(StaticFiles):
    """The staff page at the addresses of a build, with the headers of firebase.json.

    Changed files are served at once: the version in the addresses follows their content.
    """

    def __init__(self, folder: Path, configuration: Path) -> None:
        super().__init__(directory=folder, html=True)
        self._folder = folder
        self._header_rules = json.loads(configuration.read_text())["hosting"]["headers"]

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        is_versioned = path.startswith(VERSION_PREFIX.strip("/") + "/")
        name = "index.html" if path == "." else path
        if name in ENTRY_FILES:
            page = render_entry_file(name, self._folder)
            response = Response(page, media_type=guess_type(name)[0])
        else:
            # Any version is the current one.
            source_path = path.split("/", 2)[2] if is_versioned else path
            response = await super().get_response(source_path, scope)
        for rule in self._header_rules:
            # Three kinds of rules: all files, versioned files, and the others.
            if rule["source"] == "**" or rule["source"].startswith(VERSION_PREFIX) is is_versioned:
                response.headers.update({each["key"]: each["value"] for each in rule["headers"]})
        return response


def create_gateway_app(source: Path, pages: Path, status: Mapping[str, Any]) -> Starlette:
    """Return the ASGI application; `status` is the response of `LOCAL_STATUS_PATH`.

    Raises:
        FunctionsFrameworkException: A function is missing in the source file.
        InvalidSettingsError: The environment is invalid.
    """

    async def answer_status(_request: Request) -> JSONResponse:
        return JSONResponse(dict(status))

    async def answer_page_configuration(_request: Request) -> JSONResponse:
        # Without an API key the page signs in with the demo staff.
        local = {name: status.get(name) for name in ("restaurantId", "simulatedClock")}
        return JSONResponse({"local": local})

    # A mounted function would see a shortened path; a route keeps the full one.
    functions = [
        Route(path, create_asgi_app(target, str(source)))  # type: ignore[no-untyped-call] # theirs
        for path, target in _FUNCTION_TARGETS.items()
    ]
    files = StaffPageFiles(pages, ROOT / "firebase.json")
    page = Mount("/", files, middleware=[Middleware(GZipMiddleware)])
    local = [
        Route(LOCAL_STATUS_PATH, answer_status),
        Route(PAGE_CONFIGURATION_PATH, answer_page_configuration),
        Route(DEMO_TOKEN_PATH, handle_token_request),
        *build_demo_accounts().build_routes(),
    ]
    return Starlette(routes=[*functions, *local, page])


def main() -> None:
    """Serve on the loopback interface until terminated, or exit with the problem."""
    parser = argparse.ArgumentParser(prog="python -m dev.local.gateway", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--simulated-clock",
        action="store_true",
        help="tell the page that the simulated time differs from the real time",
    )
    args = parser.parse_args()
    if not os.environ.get("FIRESTORE_EMULATOR_HOST"):
        sys.exit(
            "The gateway accepts every caller, so it serves data of the Firestore emulator only: "
            "set FIRESTORE_EMULATOR_HOST, or use `make run`."
        )
    # Set it only here: a deployed function with this variable refuses to start.
    os.environ["FIREBASE_AUTH_EMULATOR_HOST"] = f"{LOOPBACK}:{args.port}"
    os.environ["WEBHOOK_URL"] = build_run_url(args.port, LOCAL_WEBHOOK_PATH)
    status = build_local_status(os.environ) | {"simulatedClock": args.simulated_clock}
    try:
        app = create_gateway_app(ROOT / "main.py", ROOT / "public", status)
    except (FunctionsFrameworkException, InvalidSettingsError) as error:
        sys.exit(f"The functions cannot be served: {error}")
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=args.port,
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_SECONDS,
    )


def build_local_status(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the addresses of the other parts of a local run, without secrets."""
    return {
        "restaurantId": DEMO_RESTAURANT_ID,
        "firestoreEmulator": variables.get("FIRESTORE_EMULATOR_HOST"),
        "authEmulator": variables.get("FIREBASE_AUTH_EMULATOR_HOST"),
        "project": variables.get("GOOGLE_CLOUD_PROJECT"),
        "sandbox": variables.get("OPENTABLE_API_URL"),
        "secretsFile": variables.get("SECRETS_FILE"),
        "partnerSecret": variables.get("OPENTABLE_PARTNER_SECRET"),
        "demoStaff": DEMO_STAFF_EMAILS,
    }


if __name__ == "__main__":
    main()
