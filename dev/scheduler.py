"""Cloud Scheduler's part on one's own machine: posts to a function at a steady pace."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

import requests

# Beyond any run's own budget, so that the function is the one to give up.
_ANSWER_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is called again and again.

    Attributes:
        name: What the feed calls it.
        url: Where it is posted to, with no body.
        first: Real seconds until the first call, at least 0.
        every: Real seconds from one call to the next, more than 0.
    """

    name: str
    url: str
    first: float
    every: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to.

    Attributes:
        status: The HTTP status, 0 where no answer came.
        body: The parsed JSON, None where the answer was none.
    """

    status: int
    body: object


def keep_calling(job: Job, stop: Event, tell: Callable[[str, Answer], None]) -> None:
    """Call a job until `stop` is set; a call that takes long delays the next, as in the cloud.

    Args:
        job: What to call.
        stop: Ends the waiting at once, and silences a call that is still under way.
        tell: Is handed the job's name and each answer.
    """
    wait = job.first
    while not stop.wait(wait):
        began = time.monotonic()
        answer = call(job.url)
        if not stop.is_set():
            tell(job.name, answer)
        wait = max(0.0, job.every - (time.monotonic() - began))


def call(url: str, body: Mapping[str, str] | None = None) -> Answer:
    """Post to a function: with no body as Cloud Scheduler does, or with one as a person would."""
    try:
        reply = requests.post(url, json=body, timeout=_ANSWER_SECONDS)
    except requests.RequestException:
        return Answer(0, None)
    try:
        return Answer(reply.status_code, reply.json())
    except requests.JSONDecodeError:
        return Answer(reply.status_code, None)
