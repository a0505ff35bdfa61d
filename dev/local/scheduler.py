"""Cloud Scheduler's part on one's own machine: posts to a function at a steady pace."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

import requests

# Beyond any run's own budget, so that the function is the one to give up.
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A function that is called again and again.

    Attributes:
        name: What the feed calls it.
        url: Where it is posted to, with no body.
        initial_delay_seconds: Real seconds until the first call, at least 0.
        interval_seconds: Real seconds from one call to the next, more than 0.
    """

    name: str
    url: str
    initial_delay_seconds: float
    interval_seconds: float


@dataclass(frozen=True, slots=True)
class JobResponse:
    """What a call came to.

    Attributes:
        status: The HTTP status, 0 where no answer came.
        body: The parsed JSON, None where the answer was none.
    """

    status: int
    body: object


def run_job_loop(
    job: ScheduledJob, stop: Event, on_response: Callable[[str, JobResponse], None]
) -> None:
    """Call a job until `stop` is set; a call that takes long delays the next, as in the cloud.

    Args:
        job: What to call.
        stop: Ends the waiting at once, and silences a call that is still under way.
        on_response: Is handed the job's name and each answer.
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
