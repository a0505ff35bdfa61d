"""Measure freshness: the time from a change at OpenTable to the host's page.

The sandbox changes a note of one reservation of a day with the usual number of bookings. A webhook,
a poll or a reconciliation brings the change to the ledger, and the page's request shows it.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from statistics import median
from threading import Event, Thread
from zoneinfo import ZoneInfo

import requests
import uvicorn

from dev.benchmarks import baseline
from dev.benchmarks.environment import (
    AUTH_EMULATOR_HOST,
    BENCHMARK_PROJECT,
    BenchmarkEnvironment,
    call_served_function,
    start_benchmark_environment,
)
from dev.benchmarks.host_page import PAGE_PAUSE_SECONDS, Change, HostPage, compute_page_delays
from dev.benchmarks.load_generator import Tenant
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_value_result,
    percentile,
    require_at_most,
)
from dev.benchmarks.webhook import find_document_path
from dev.docs.capacity import (
    BOOKINGS_PER_DAY,
    NIGHTLY_PER_DAY,
    POLLS_PER_DAY,
    QUIET_POLLS_PER_DAY,
    RECONCILIATIONS_PER_DAY,
    WINDOW_RESERVATIONS,
)
from dev.local.demo_staff import build_unsigned_token
from dev.local.processes import (
    LOOPBACK,
    MAIN_FILE,
    FunctionServer,
    find_free_port,
    serve_function,
    wait_until_reachable,
)
from sandbox.actions import ReservationActions
from sandbox.background_bookings import populate_store
from sandbox.server import create_sandbox_app
from sandbox.simulator import Simulator, SimulatorConfig, build_simulator
from shared.firestore import paths

_CHANGES, _QUICK_CHANGES = 300, 60
_CHANGES_PER_SECOND = 8
_RUNS, _QUICK_RUNS = 15, 3
_SHARES = (0.5, 0.99)
_TIME_ZONE = "America/New_York"
_BEARER_CREDENTIAL = "opentable-token"
_HOST_UID = "host"
_TIMEOUT_SECONDS = 60
_SECONDS_PER_DAY = 86_400
_MILLISECONDS = 1000
_MAX_API_RATIO = 3.0
_MAX_PAGE_RATIO = 1.1
_MAX_SCHEDULE_RATIO = 1.01
_MAX_RUN_SECONDS = 1.0
_FUNCTIONS = ("opentable_webhook", "opentable_poll", "opentable_reconcile", "api")
_RUNS_PER_DAY = {
    "poll": {"normal": POLLS_PER_DAY, "quiet restaurant": QUIET_POLLS_PER_DAY},
    "reconciliation": {"near days": RECONCILIATIONS_PER_DAY, "all days": NIGHTLY_PER_DAY},
}


def compute_worst_delay(interval_seconds: float, run_seconds: Sequence[float]) -> float:
    """Return the longest delay by schedule: a change just after the listing of the last run."""
    return interval_seconds + max(run_seconds) + PAGE_PAUSE_SECONDS


@dataclass(slots=True)
class FreshnessBenchmark:
    """The simulated OpenTable, the served functions and the page of one restaurant."""

    tenant: Tenant
    simulator: Simulator
    functions: Mapping[str, FunctionServer]
    page: HostPage
    reservation_keys: Sequence[str]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def change_reservation(self) -> Change:
        """Change the note of the next reservation of the day, and send its webhook if enabled."""
        number = next(self._numbers)
        row = number % len(self.reservation_keys)
        changed_at = time.perf_counter()
        actions = ReservationActions(self.simulator.api.store, int(self.tenant.rid))
        actions.set_notes(self.reservation_keys[row], f"{row} {number}")
        self.simulator.dispatcher.send_due()
        return Change(row, number, changed_at)

    def measure_api_delays(self, count: int) -> list[MeasurementPair]:
        """Return the delays of changes until the API's response, one change after the other."""
        pairs = []
        for _ in range(count):
            started = time.perf_counter()
            for name in ("commit_two", "stream"):
                self.run_function(name)
            baseline_seconds = time.perf_counter() - started
            change = self.change_reservation()
            delay = self.page.refresh_until_shown(change).received_at - change.changed_at
            pairs.append(MeasurementPair(baseline_seconds, delay))
        return pairs

    def measure_page_delays(self, count: int) -> list[MeasurementPair]:
        """Return the delays of changes at a constant rate until the page's own next requests."""
        finished, changes = Event(), []
        with ThreadPoolExecutor(1) as executor:
            watch = executor.submit(self.page.refresh_regularly, finished)
            try:
                started = time.perf_counter()
                for number in range(count):
                    due = started + number / _CHANGES_PER_SECOND
                    time.sleep(max(0.0, due - time.perf_counter()))
                    changes.append(self.change_reservation())
            finally:
                finished.set()
            return compute_page_delays(changes, watch.result())

    def measure_repair(self, function: str) -> float:
        """Return the seconds of a run until the API shows a change whose webhook was lost."""
        self.simulator.dispatcher.faults.silent = True
        change = self.change_reservation()
        if self.page.refresh().shows(change):
            raise RuntimeError("The page shows a change without a run: the webhook was not lost.")
        started = time.perf_counter()
        self.run_function(function)
        return self.page.refresh_until_shown(change).received_at - started

    def run_function(self, function: str) -> None:
        """Call a function for the restaurant, such as a poll."""
        call_served_function(self.functions[function], restaurantId=self.tenant.id)

    def fill_window(self) -> None:
        """Add the usual reservations of the other days, last changed before today."""
        # Guests that changed within the poll's lookback would slow down each poll.
        self.simulator.clock.skew = -timedelta(days=1)
        populate_store(self.simulator.api.store, int(self.tenant.rid), WINDOW_RESERVATIONS)
        self.simulator.clock.skew = timedelta(0)
        self.run_function("opentable_reconcile")
        self.run_function("opentable_poll")  # the first poll lists all reservations


def measure_freshness(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the delays by webhook, and those of changes that a run repairs."""
    changes, runs = (_QUICK_CHANGES, _QUICK_RUNS) if quick else (_CHANGES, _RUNS)
    with ExitStack() as stack:
        benchmark = _start_benchmark(stack)
        benchmark.measure_api_delays(len(benchmark.reservation_keys))  # warms caches
        api_delays = benchmark.measure_api_delays(changes)
        results = [
            _build_delay_result("change to API response", share, api_delays, "ms", _MAX_API_RATIO)
            for share in _SHARES
        ]
        page_delays = benchmark.measure_page_delays(changes)
        results += [
            _build_delay_result("change to page", share, page_delays, "s", _MAX_PAGE_RATIO)
            for share in _SHARES
        ]
        benchmark.fill_window()
        functions = {"poll": "opentable_poll", "reconciliation": "opentable_reconcile"}
        for run, function in functions.items():
            seconds = [benchmark.measure_repair(function) for _ in range(runs)]
            results += _build_repair_results(run, seconds)
    return results, []


def _build_delay_result(
    name: str, share: float, pairs: Sequence[MeasurementPair], unit: str, limit: float
) -> BenchmarkResult:
    factor = _MILLISECONDS if unit == "ms" else 1
    baseline_delay = percentile([pair.baseline for pair in pairs], share) * factor
    product_delay = percentile([pair.product for pair in pairs], share) * factor
    return BenchmarkResult(
        f"freshness by webhook: {name}, p{share * 100:.0f}",
        product_delay / baseline_delay,
        require_at_most(limit),
        product_delay,
        unit,
        baseline_delay,
        {"changes": len(pairs)},
    )


def _build_repair_results(run: str, seconds: Sequence[float]) -> Iterator[BenchmarkResult]:
    yield build_value_result(
        f"freshness by {run}: start of the run to API response",
        "s",
        require_at_most(_MAX_RUN_SECONDS),
        median(seconds),
        seconds=[round(each, 3) for each in seconds],
    )
    for schedule, runs_per_day in _RUNS_PER_DAY[run].items():
        interval_seconds = _SECONDS_PER_DAY / runs_per_day
        worst_seconds = compute_worst_delay(interval_seconds, seconds)
        yield BenchmarkResult(
            f"… change to page, longest by schedule ({schedule})",
            worst_seconds / interval_seconds,
            require_at_most(_MAX_SCHEDULE_RATIO),
            worst_seconds,
            "s",
            interval_seconds,
        )


def _start_benchmark(stack: ExitStack) -> FreshnessBenchmark:
    environment = stack.enter_context(start_benchmark_environment(allow_gc_pauses=False))
    [tenant] = environment.seed_tenants(1)
    # OpenTable's webhooks need a credential.
    secrets = json.loads(environment.secrets_file.read_text())
    [payload] = secrets.values()
    payload["bearerTokens"] = [_BEARER_CREDENTIAL]
    environment.secrets_file.write_text(json.dumps(secrets))
    asyncio.run(_seed_staff(environment, tenant))
    port = find_free_port()
    sandbox_url = f"http://{LOOPBACK}:{port}"
    variables = environment.build_variables(
        sandbox_url,
        FIREBASE_AUTH_EMULATOR_HOST=AUTH_EMULATOR_HOST,
        # The benchmark requests the day without the page's pause.
        API_REQUESTS_PER_SECOND="10000",
    )

    def serve(target: str, source: Path = MAIN_FILE, **more: str) -> FunctionServer:
        return stack.enter_context(serve_function(target, variables | more, source=source))

    functions = {target: serve(target) for target in _FUNCTIONS}
    simulator = build_simulator(
        SimulatorConfig(
            zones={int(tenant.rid): _TIME_ZONE},
            base_url=sandbox_url,
            reservations=0,
            speed=0,
            client_id=payload["clientId"],
            client_secret=payload["clientSecret"],
            webhook_url=functions["opentable_webhook"].url,
            authorization=f"Bearer {_BEARER_CREDENTIAL}",
        )
    )
    stack.enter_context(_serve_simulator(simulator, port, sandbox_url))
    day = datetime.now(ZoneInfo(_TIME_ZONE)).date() + timedelta(days=1)
    keys = _book_day(simulator, int(tenant.rid), day)
    # The floor commits two documents like those of the webhook.
    path = asyncio.run(find_document_path(environment, tenant))
    floor = Path(baseline.__file__)
    functions["commit_two"] = serve(
        "commit_two", floor, **{baseline.SAMPLE_DOCUMENT_VARIABLE: path}
    )
    functions["stream"] = serve("stream", floor)
    session = requests.Session()
    token = build_unsigned_token(BENCHMARK_PROJECT, _HOST_UID, int(time.time()))
    session.headers["Authorization"] = f"Bearer {token}"
    url = f"{functions['api'].url}api/restaurants/{tenant.id}/reservations?date={day}"
    return FreshnessBenchmark(tenant, simulator, functions, HostPage(url, session), keys)


async def _seed_staff(environment: BenchmarkEnvironment, tenant: Tenant) -> None:
    """Let webhooks use a bearer token, and add a host."""
    client = environment.create_client()
    await paths.integration_document(client, tenant.id).update({"webhookAuth": ["bearer"]})
    await paths.staff_member_document(client, tenant.id, _HOST_UID).set({"role": "host"})


@contextmanager
def _serve_simulator(simulator: Simulator, port: int, url: str) -> Iterator[None]:
    """Serve OpenTable's API in a thread: the benchmark sends the webhooks itself."""
    config = uvicorn.Config(
        create_sandbox_app(simulator), LOOPBACK, port, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until_reachable(url, _TIMEOUT_SECONDS)
        yield
    finally:
        server.should_exit = True
        thread.join(_TIMEOUT_SECONDS)


def _book_day(simulator: Simulator, rid: int, day: date) -> list[str]:
    """Book a full evening and send its webhooks; return the keys of the reservations."""
    first = datetime.combine(day, time_of_day(17), ZoneInfo(_TIME_ZONE))
    actions = ReservationActions(simulator.api.store, rid)
    keys = [
        actions.create(first + timedelta(minutes=4 * number), 2 + number % 6).key
        for number in range(BOOKINGS_PER_DAY)
    ]
    simulator.dispatcher.send_due()
    return keys
