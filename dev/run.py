"""The whole bundle on one machine: emulator, gateway, OpenTable sandbox, scheduler and feed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Event, Thread
from types import FrameType
from zoneinfo import ZoneInfo

from dev.addresses import Addresses
from dev.demo import DAYS_BACK, RESTAURANT_ID, RID, ZONE, new_credentials, secrets_file, seed
from dev.emulator import start_emulator
from dev.feed import Feed
from dev.processes import ProcessFailedError, free_port, is_free, running, wait_until_answers
from dev.remote import SimulatedClock
from dev.scheduler import Job, call, keep_calling

_START_SECONDS = 30
_WATCH_SECONDS = 0.5
_POLL_SECONDS = 15 * 60  # simulated
_RECONCILE_SECONDS = 60 * 60  # simulated
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RunError(RuntimeError):
    """The run cannot start or go on; the text says what to do."""


def run(port: int, speed: float) -> None:
    """Serve everything until interrupted, terminated or hung up on, and leave nothing behind.

    Args:
        port: The gateway's TCP port (1-65535).
        speed: Simulated seconds a real second, more than 0.

    Raises:
        RunError: The port is taken, or one of the processes did not start or ended.
        EmulatorError: The emulator cannot run.
    """
    if not is_free(port):
        raise RunError(f"Port {port} is taken: stop what listens there or choose another (PORT=N).")
    for sign in _ENDING:
        signal.signal(sign, _end)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as kept:
        _perform(kept, port, speed)
    print("\nEverything has ended.", flush=True)


def _end(_sign: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not stop the tidying up that the first began.
    for sign in _ENDING:
        signal.signal(sign, signal.SIG_IGN)
    raise KeyboardInterrupt


def _perform(kept: contextlib.ExitStack, port: int, speed: float) -> None:
    credentials = new_credentials()
    secrets = kept.enter_context(secrets_file(credentials))
    print("Starting the Firestore emulator …", flush=True)
    at = Addresses(port, free_port(), kept.enter_context(start_emulator()).host)
    os.environ |= at.environment(secrets)
    print("Writing the demo restaurant …", flush=True)
    asyncio.run(seed())
    feed = _feed(at)
    print("Starting the functions …", flush=True)
    gateway = _start(kept, feed, at.gateway, _gateway_command(at), {})
    print(at.where_to_look(), flush=True)
    feed.head()
    told = credentials.sandbox_environment()
    sandbox = _start(kept, feed, at.sandbox, _sandbox_command(at, speed), told)
    _schedule(kept, feed, at, speed)
    _watch({"gateway": gateway, "sandbox": sandbox})


def _feed(at: Addresses) -> Feed:
    return Feed(
        sys.stdout,
        lambda: datetime.now().astimezone(),
        SimulatedClock(at.sandbox),
        ZoneInfo(ZONE),
        colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
    )


def _gateway_command(at: Addresses) -> list[str]:
    return [sys.executable, "-m", "dev.gateway", "--port", str(at.port), "--simulated-clock"]


def _sandbox_command(at: Addresses, speed: float) -> list[str]:
    return [
        *(sys.executable, "-m", "dev.sandbox", "--port", str(at.sandbox_port)),
        *("--restaurant", f"{RID}={ZONE}", "--speed", str(speed)),
        *("--deliver-to", f"{at.gateway}/opentable-webhook"),
    ]


def _start(
    kept: contextlib.ExitStack, feed: Feed, url: str, command: list[str], told: Mapping[str, str]
) -> subprocess.Popen[str]:
    name = command[2].removeprefix("dev.")
    child = kept.enter_context(running(command, feed.lines_of(name), os.environ | told))
    try:
        wait_until_answers(url, _START_SECONDS, child)
    except ProcessFailedError as error:
        raise RunError(f"The {name} did not start, see above. {error}") from None
    return child


def _schedule(kept: contextlib.ExitStack, feed: Feed, at: Addresses, speed: float) -> None:
    hour = _RECONCILE_SECONDS / speed
    stop = Event()
    Thread(target=_compare_past, args=(feed, at, stop), daemon=True).start()
    for job in (
        Job("poll", f"{at.gateway}/opentable-poll", first=0, every=_POLL_SECONDS / speed),
        Job("reconciliation", f"{at.gateway}/opentable-reconcile", first=hour, every=hour),
    ):
        Thread(target=keep_calling, args=(job, stop, feed.answered), daemon=True).start()
    kept.callback(stop.set)


def _compare_past(feed: Feed, at: Addresses, stop: Event) -> None:
    """Have the weeks gone by compared too, so that there are patterns to look at."""
    first = (datetime.now(ZoneInfo(ZONE)) - timedelta(days=DAYS_BACK)).date()
    body = {"restaurantId": RESTAURANT_ID, "startDate": first.isoformat()}
    answer = call(f"{at.gateway}/opentable-reconcile", body)
    if not stop.is_set():
        feed.answered("reconciliation", answer)


def _watch(children: Mapping[str, subprocess.Popen[str]]) -> None:
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                raise RunError(f"The {name} ended with exit code {child.returncode}: see above.")
        time.sleep(_WATCH_SECONDS)
