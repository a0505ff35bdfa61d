"""What Google Cloud does at intervals: scheduled calls, and the deletion of expired documents."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

import requests
from google.api_core.exceptions import GoogleAPIError
from google.cloud.firestore import Client, FieldFilter

from shared.firestore.paths import EXPIRY_FIELDS

# Longer than a run's own budget, so that the function gives up first.
_TIMEOUT_SECONDS = 600
_MAX_DOCUMENTS_DELETED = 500
_FIRESTORE_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A function to call at an interval, in real seconds, with an empty POST request."""

    name: str
    url: str
    interval_seconds: float
    initial_delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class JobResponse:
    """The response to a call: HTTP status, 0 without a response, and parsed JSON or None."""

    status: int
    body: object


def run_job_loop(
    job: ScheduledJob, stop: Event, on_response: Callable[[str, JobResponse], None]
) -> None:
    """Call a job until `stop` is set; a slow call delays the next one, as in production.

    `stop` ends the wait at once and silences a running call.
    """
    delay = job.initial_delay_seconds
    while not stop.wait(delay):
        started = time.monotonic()
        response = call_function(job.url)
        if not stop.is_set():
            on_response(job.name, response)
        delay = max(0.0, job.interval_seconds - (time.monotonic() - started))


def call_function(url: str, body: Mapping[str, str] | None = None) -> JobResponse:
    """Post to a function: with no body as Cloud Scheduler does, or with one as a person would."""
    try:
        response = requests.post(url, json=body, timeout=_TIMEOUT_SECONDS)
    except requests.RequestException:
        return JobResponse(0, None)
    try:
        return JobResponse(response.status_code, response.json())
    except requests.JSONDecodeError:
        return JobResponse(response.status_code, None)


def run_expiry_loop(client: Client, stop: Event, interval_seconds: float) -> None:
    """Delete expired documents at an interval in real seconds until `stop` is set."""
    while not stop.wait(interval_seconds):
        with suppress(GoogleAPIError):  # the next round deletes them
            delete_expired_documents(client, datetime.now(UTC))


def delete_expired_documents(client: Client, now: datetime) -> None:
    """Delete expired documents. The emulator has no TTL policies."""
    for collection, field in EXPIRY_FIELDS.items():
        expired = client.collection_group(collection).where(filter=FieldFilter(field, "<=", now))
        query = expired.limit(_MAX_DOCUMENTS_DELETED)
        for snapshot in query.stream(retry=None, timeout=_FIRESTORE_TIMEOUT_SECONDS):
            snapshot.reference.delete(retry=None, timeout=_FIRESTORE_TIMEOUT_SECONDS)
