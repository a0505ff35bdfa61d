"""A deployed function with a bug."""

import functions_framework.aio
from starlette.requests import Request

from functions.http import JsonResult, json_function, log_failed_run
from shared.context import AppContext


@functions_framework.aio.http
@json_function(log_failed_run)
async def opentable_poll(_request: Request, _context: AppContext) -> JsonResult:
    raise KeyError("Marked")
