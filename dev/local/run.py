"""Run the entire product on one machine: emulator, gateway, simulator, scheduler and live log."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from zoneinfo import ZoneInfo

from google.cloud.firestore import Client

from dev.local.demo_data import (
    DEMO_HISTORY_DAYS,
    DEMO_PARTNER_SECRET_ID,
    DEMO_PROJECT,
    DEMO_RESTAURANT_ID,
    DEMO_RID,
    DEMO_TIME_ZONE,
    generate_demo_credentials,
    open_temporary_secrets_file,
    seed_demo_data,
)
from dev.local.emulator import start_emulator
from dev.local.live_log import LiveLog
from dev.local.processes import (
    LOOPBACK,
    ProcessFailedError,
    find_free_port,
    is_port_free,
    run_process,
    wait_until_reachable,
)
from dev.local.remote import SimulatedClock
from dev.local.scheduler import ScheduledJob, call_function, run_expiry_loop, run_job_loop

_START_TIMEOUT_SECONDS = 30
_WATCH_INTERVAL_SECONDS = 0.5
_POLL_INTERVAL_SECONDS = 15 * 60  # simulated
_RECONCILE_INTERVAL_SECONDS = 60 * 60  # simulated
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalRunError(RuntimeError):
    """The run cannot start or continue; the message gives the next step."""


@dataclass(frozen=True, slots=True)
class RunAddresses:
    """The ports of a run, all on the loopback interface; `port` is the gateway's."""

    port: int
    sandbox_port: int
    emulator_host: str

    @property
    def gateway_url(self) -> str:
        """The gateway's URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """The sandbox's URL."""
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    def build_environment(self, secrets_file: str) -> dict[str, str]:
        """Return the environment variables that keep the functions on this machine."""
        return {
            "GOOGLE_CLOUD_PROJECT": DEMO_PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.emulator_host,
            "OPENTABLE_API_URL": self.sandbox_url,
            "OPENTABLE_OAUTH_URL": self.sandbox_url,
            "OPENTABLE_PARTNER_SECRET": DEMO_PARTNER_SECRET_ID,
            "SECRETS_FILE": secrets_file,
            "TASKS_TARGET_URL": self.gateway_url,
            # Simulated time is faster than these schedules.
            "QUIET_POLL_MINUTES": "0",
            "NEAR_DAYS_AHEAD": "30",
            # The sandbox creates its rows at the start: a longer lookback polls all of them again.
            "POLL_LOOKBACK_SECONDS": "60",
            # A company's proxy cannot reach this machine's loopback interface.
            "no_proxy": LOOPBACK,
        }

    def format_instructions(self) -> str:
        """Return the addresses and the next commands for the developer."""
        python = Path(os.path.relpath(sys.executable))
        dev, status = f"{python} -m dev", f"{python.with_name('ledger')} restaurants status"
        return f"""
  Page              {self.gateway_url}/
  Restaurant        {DEMO_RESTAURANT_ID}
  Its status        {status} {DEMO_RESTAURANT_ID} --port {self.port}
  Stop webhooks     {dev} webhooks off --port {self.port}
  Resume webhooks   {dev} webhooks on --port {self.port}
  Mock events       {dev} mock --port {self.port}
  OpenTable         {self.sandbox_url}/_control lists its switches
  Firestore         {self.emulator_host} (project {DEMO_PROJECT})
  End               Ctrl-C
"""


def run_locally(port: int, speed: float) -> None:
    """Serve everything until interrupted, terminated or hung up on, and leave nothing behind.

    `speed` is the number of simulated seconds in a real second.

    Raises:
        LocalRunError: The port is taken, or one of the processes did not start or ended.
        EmulatorError: The emulator cannot run.
    """
    if not is_port_free(port):
        raise LocalRunError(
            f"Port {port} is taken: stop what listens there or choose another (PORT=N)."
        )
    for signal_number in _END_SIGNALS:
        signal.signal(signal_number, _handle_signal)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        _start_and_watch(stack, port, speed)
    print("\nEverything has ended.", flush=True)


def _handle_signal(_signal_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the cleanup of the first.
    for signal_number in _END_SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _start_and_watch(stack: contextlib.ExitStack, port: int, speed: float) -> None:
    """Start every part of the run; return only by an exception, when one part ends."""
    credentials = generate_demo_credentials()
    secrets_path = stack.enter_context(open_temporary_secrets_file(credentials))
    print("Starting the Firestore emulator …", flush=True)
    addresses = RunAddresses(port, find_free_port(), stack.enter_context(start_emulator()).host)
    # Firestore's client and the child processes read them from here.
    os.environ |= addresses.build_environment(secrets_path)
    print("Writing the demo restaurant …", flush=True)
    asyncio.run(seed_demo_data())
    live_log = LiveLog(
        sys.stdout,
        lambda: datetime.now().astimezone(),
        SimulatedClock(addresses.sandbox_url),
        ZoneInfo(DEMO_TIME_ZONE),
        has_color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
    )
    print("Starting the functions …", flush=True)
    command = ["dev.local.gateway", "--port", str(port), "--simulated-clock"]
    gateway = _start_process(stack, live_log, addresses.gateway_url, command, {})
    print(addresses.format_instructions(), flush=True)
    live_log.print_header()
    command = [
        *("sandbox", "--port", str(addresses.sandbox_port)),
        *("--restaurant", f"{DEMO_RID}={DEMO_TIME_ZONE}", "--speed", str(speed)),
        *("--deliver-to", f"{addresses.gateway_url}/opentable-webhook"),
    ]
    variables = credentials.to_sandbox_environment()
    sandbox = _start_process(stack, live_log, addresses.sandbox_url, command, variables)
    _start_scheduler(stack, live_log, addresses, speed)
    while True:
        for name, child in (("gateway", gateway), ("sandbox", sandbox)):
            if child.poll() is not None:
                raise LocalRunError(
                    f"The {name} ended with exit code {child.returncode}: see above."
                )
        time.sleep(_WATCH_INTERVAL_SECONDS)


def _start_process(
    stack: contextlib.ExitStack,
    live_log: LiveLog,
    url: str,
    command: list[str],
    variables: Mapping[str, str],
) -> subprocess.Popen[str]:
    """Start a Python module with its arguments, and wait until it responds."""
    name = command[0].removeprefix("dev.")
    on_line = live_log.build_line_handler(name)
    child = stack.enter_context(
        run_process([sys.executable, "-m", *command], on_line, os.environ | variables)
    )
    try:
        wait_until_reachable(url, _START_TIMEOUT_SECONDS, child)
    except ProcessFailedError as error:
        raise LocalRunError(f"The {name} did not start, see above. {error}") from None
    return child


def _start_scheduler(
    stack: contextlib.ExitStack, live_log: LiveLog, addresses: RunAddresses, speed: float
) -> None:
    reconcile_interval = _RECONCILE_INTERVAL_SECONDS / speed
    stop = Event()
    # All threads are daemons: a call in progress must not delay the end of the run.
    expiry = (Client(project=DEMO_PROJECT), stop, reconcile_interval)
    Thread(target=run_expiry_loop, args=expiry, daemon=True).start()
    Thread(target=_reconcile_history, args=(live_log, addresses, stop), daemon=True).start()
    for job in (
        ScheduledJob(
            "poll", f"{addresses.gateway_url}/opentable-poll", _POLL_INTERVAL_SECONDS / speed
        ),
        ScheduledJob(
            "reconciliation",
            f"{addresses.gateway_url}/opentable-reconcile",
            reconcile_interval,
            initial_delay_seconds=reconcile_interval,
        ),
    ):
        arguments = (job, stop, live_log.show_job_response)
        Thread(target=run_job_loop, args=arguments, daemon=True).start()
    stack.callback(stop.set)
    # The processes end in any order from here: what they log about each other is noise.
    stack.callback(live_log.mute)


def _reconcile_history(live_log: LiveLog, addresses: RunAddresses, stop: Event) -> None:
    """Reconcile past weeks too, so that analytics have data."""
    first_date = (datetime.now(ZoneInfo(DEMO_TIME_ZONE)) - timedelta(days=DEMO_HISTORY_DAYS)).date()
    body = {"restaurantId": DEMO_RESTAURANT_ID, "startDate": first_date.isoformat()}
    response = call_function(f"{addresses.gateway_url}/opentable-reconcile", body)
    if not stop.is_set():
        live_log.show_job_response("reconciliation", response)
