"""The state machine: one poll and one reconciliation make both sides equal after any history."""

import json
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.stateful.assertions import assert_recovers
from tests.stateful.choices import ACTIONS, NAMES, days, fault_plans, hours, jobs, minutes, numbers
from tests.stateful.damage import DAMAGES
from tests.stateful.environment import MachineEnvironment
from tests.stateful.faults import NO_FAULT, FaultPlan
from tests.stateful.restaurant import MachineRestaurant, open_machine_restaurant
from tests.stateful.workers import WorkerJob, run_concurrently
from tests.strategies.spellings import envelope_spellings, row_spellings
from tests.support.world import START_TIME


class LedgerStateMachine(RuleBasedStateMachine):
    """Change both sides of a restaurant at random, with faults, and check recovery."""

    environment: ClassVar[MachineEnvironment]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.environment.new_client()
        self.restaurant: MachineRestaurant = self.environment.wait(
            open_machine_restaurant(self.client)
        )

    @initialize(days=st.lists(days, min_size=2, max_size=3))
    def opens(self, days: list[int]) -> None:
        for day in days:
            self.is_booked(day, 19, named=True)

    @rule(day=days, hour=hours, named=st.booleans())
    def is_booked(self, day: int, hour: int, *, named: bool) -> None:
        guest = self.restaurant.guest_actions.add(NAMES[hour % 4], "Example").key if named else None
        self.restaurant.reservation_actions.create(
            self._at(day, hour), 2, guest_key=guest, request="Window seat"
        )

    @rule(number=numbers, day=days, hour=hours)
    def is_moved(self, number: int, day: int, hour: int) -> None:
        self.restaurant.reservation_actions.reschedule(self._key(number), self._at(day, hour))

    @rule(number=numbers, act=st.sampled_from(sorted(ACTIONS)))
    def is_changed(self, number: int, act: str) -> None:
        ACTIONS[act](self.restaurant, self._key(number))

    @rule(size=st.integers(1, 8))
    def walks_in(self, size: int) -> None:
        self.restaurant.visit_actions.add_walk_in(size)

    @rule(number=numbers, name=st.sampled_from(NAMES))
    def guest_is_renamed(self, number: int, name: str) -> None:
        keys = self.restaurant.guest_keys()
        self.restaurant.guest_actions.rename(keys[-1 - number % len(keys)], name, "Renamed")

    @rule(number=numbers)
    def guests_are_merged(self, number: int) -> None:
        keys = self.restaurant.guest_keys()
        if len(keys) > 1:
            self.restaurant.guest_actions.merge(
                keys[number % len(keys)], keys[(number + 1) % len(keys)]
            )

    @rule(number=numbers)
    def guest_is_forgotten(self, number: int) -> None:
        keys = self.restaurant.guest_keys()
        if len(keys) > 1:  # one guest stays, to be renamed and merged
            self.restaurant.guest_actions.forget(keys[number % len(keys)])

    @rule(number=numbers, data=st.data())
    def webhook_is_spelled_again(self, number: int, data: st.DataObject) -> None:
        body = self.restaurant.original(number)
        spellings = envelope_spellings(body) if "eventType" in body else row_spellings(body)
        self.restaurant.sent.append(json.dumps(data.draw(spellings)).encode())

    @rule(number=numbers, data=st.data())
    def row_is_spelled_otherwise(self, number: int, data: st.DataObject) -> None:
        row = self.restaurant.api_row(number)
        self.restaurant.spell_row(row, data.draw(row_spellings(row)))

    @rule(number=numbers, damage=st.sampled_from(sorted(DAMAGES)))
    def document_is_damaged(self, number: int, damage: str) -> None:
        world, damaged = self.restaurant.world, self.restaurant.damaged
        self.environment.wait(damaged.damage(world, number, damage))

    @rule(opentable=minutes, relay=minutes)
    def clocks_drift(self, opentable: int, relay: int) -> None:
        self.restaurant.opentable_clock.skew = timedelta(minutes=opentable)
        self.restaurant.relay_skew = timedelta(minutes=relay)

    @rule(seconds=st.sampled_from([1, 90, 541, 3_600, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.restaurant.world.clock.advance(seconds)

    @rule(number=numbers)
    def webhook_arrives(self, number: int) -> None:
        self._run((number, NO_FAULT))

    @rule(number=numbers)
    def webhooks_arrive_concurrently(self, number: int) -> None:
        # Adjacent webhooks are often about one reservation: OpenTable's and the relay's.
        self._run((number, NO_FAULT), (number + 1, NO_FAULT))

    @rule(job=jobs, faults=fault_plans)
    def worker_runs(self, job: str | int, faults: FaultPlan) -> None:
        self._run((job, faults))

    @rule(job=jobs, faults=fault_plans, other_job=jobs, other_faults=fault_plans)
    def two_workers_run(
        self, job: str | int, faults: FaultPlan, other_job: str | int, other_faults: FaultPlan
    ) -> None:
        self._run((job, faults), (other_job, other_faults))

    @rule(job=st.sampled_from(["poll", "reconcile", "backfill"]), number=numbers, day=days)
    def reservations_change_between_pages(self, job: str, number: int, day: int) -> None:
        changed: list[int] = []

        def change(_: object) -> None:
            if not changed:
                changed.append(day)
                self.is_moved(number, day, 20)

        self.restaurant.world.sandbox.faults.on_page = change
        self._run((job, NO_FAULT))
        self.restaurant.world.sandbox.faults.on_page = None

    def teardown(self) -> None:
        try:
            self.environment.wait(assert_recovers(self.restaurant))
        finally:
            for worker in self.restaurant.workers:
                worker.executor.shutdown()
            self.environment.emulator.clear(self.client.project)

    def _run(self, *runs: tuple[str | int, FaultPlan]) -> None:
        pairs = zip(self.restaurant.workers, runs, strict=False)
        self.environment.wait(
            run_concurrently(
                *((worker, self._job(what), faults) for worker, (what, faults) in pairs)
            )
        )

    def _job(self, job: str | int) -> WorkerJob:
        return job if isinstance(job, str) else self.restaurant.message(job)

    def _key(self, number: int) -> str:
        return self.restaurant.reservation(number).key

    def _at(self, day: int, hour: int) -> datetime:
        return START_TIME.replace(hour=hour) + timedelta(days=day)
