"""Every rejection in the table of the webhook's responses, over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest

from tests.support.processes import ServedFunction
from tests.support.webhooks import WebhookSender, response_status, sign_webhook

CreateSender = Callable[..., Awaitable[WebhookSender]]
LIMIT = 256 * 1024
AUTHORIZATION = "Authorization: Bearer x"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\xff"}',
        b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)
async def test_what_is_no_strict_json_object_is_400(raw: bytes, sender: WebhookSender) -> None:
    assert response_status(await sender.send(raw)) == (400, "invalid_json")


async def test_an_integration_that_is_off_is_403(create_sender: CreateSender) -> None:
    sender = await create_sender(enabled=False)
    response = await sender.send(sender.envelope())
    assert response_status(response) == (403, "disabled")
    assert await sender.stored_ledger.document() == {}


async def test_an_unauthenticated_sender_cannot_see_that_the_integration_is_disabled(
    create_sender: CreateSender,
) -> None:
    sender = await create_sender(enabled=False)
    assert response_status(await sender.post(sender.envelope(), {})) == (401, "unauthenticated")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_any_other_method_is_405(method: str, sender: WebhookSender) -> None:
    response = await sender.http.request(method, sender.url)
    assert response_status(response) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/jsonp"},
        {"content-encoding": "gzip"},
        {"content-encoding": "identity, x-gzip"},
        {"content-encoding": "br"},
    ],
    ids=lambda headers: next(iter(headers.values())),
)
async def test_any_other_media_type_is_415(headers: dict[str, str], sender: WebhookSender) -> None:
    response = await sender.post(b"{}", headers)
    assert response_status(response) == (415, "unsupported_media_type")
    assert response.headers["accept"] == "application/json"
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "", "Identity", "identity,\tIDENTITY", ","])
async def test_a_content_coding_that_means_none_is_read(coding: str, sender: WebhookSender) -> None:
    response = await sender.send(sender.envelope(), content_encoding=coding)
    assert response_status(response) == (200, "created")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/event+json"]
)
async def test_json_by_any_of_its_names_is_read(kind: str, sender: WebhookSender) -> None:
    response = await sender.send(sender.envelope(), content_type=kind)
    assert response_status(response) == (200, "created")


async def test_a_body_of_exactly_256_kib_is_read(sender: WebhookSender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    response = await sender.send(raw + b" " * (LIMIT - len(raw)))
    assert response_status(response) == (200, "created")


async def test_a_body_of_one_byte_more_is_413(sender: WebhookSender) -> None:
    raw = json.dumps(sender.envelope()).encode()
    response = await sender.send(raw + b" " * (LIMIT + 1 - len(raw)))
    assert response_status(response) == (413, "too_large")


async def send_unfinished_body(sender: WebhookSender, *headers: str, begin: bytes = b"") -> bytes:
    """Send the beginning of a body, and return the first line of the response."""
    where = urlsplit(sender.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = "\r\n".join(["POST / HTTP/1.1", f"Host: {where.netloc}", *headers, "", ""])
    writer.write(head.encode() + begin)
    await writer.drain()
    async with asyncio.timeout(10):
        status = await reader.readline()
    writer.close()
    return status


async def test_a_body_announced_as_10_mib_is_413_before_any_of_it_was_sent(
    sender: WebhookSender,
) -> None:
    length = f"Content-Length: {10 * 1024 * 1024}"
    status = await send_unfinished_body(sender, AUTHORIZATION, length)
    assert status == b"HTTP/1.1 413 Request Entity Too Large\r\n"


async def test_a_body_of_unannounced_length_is_413_once_it_is_too_large(
    sender: WebhookSender,
) -> None:
    chunk = b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1))
    encoding = "Transfer-Encoding: chunked"
    status = await send_unfinished_body(sender, AUTHORIZATION, encoding, begin=chunk)
    assert status == b"HTTP/1.1 413 Request Entity Too Large\r\n"


async def test_without_a_credential_a_body_is_not_awaited(sender: WebhookSender) -> None:
    status = await send_unfinished_body(sender, "Content-Length: 100")
    assert status == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_large_body_without_authentication_is_not_parsed_completely(
    sender: WebhookSender,
) -> None:
    raw = json.dumps(sender.envelope()).encode()[:-1] + b', "a": 1, "a": 2' + b" " * 1024 + b"}"
    forged = await sender.post(raw, sign_webhook(sender.key, b"something else"))
    assert response_status(forged) == (401, "unauthenticated")
    assert response_status(await sender.send(raw)) == (400, "invalid_json")


async def test_unreachable_firestore_is_503_with_retry_after(
    webhook_without_firestore: ServedFunction, sender: WebhookSender
) -> None:
    raw = json.dumps(sender.envelope()).encode()
    response = await sender.http.post(
        webhook_without_firestore.url, content=raw, headers=sign_webhook(sender.key, raw)
    )
    assert response_status(response) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
