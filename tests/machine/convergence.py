"""The machine: whatever happens, one poll and one reconciliation bring the ledger level."""

from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.machine.draws import ACTS, NAMES, days, errands, fates, hours, minutes, numbers
from tests.machine.levelling import assert_levels
from tests.machine.mortal import UNHARMED, Fate
from tests.machine.stage import Stage
from tests.machine.town import Town, open_town
from tests.machine.workers import Errand, run_at_once
from tests.world import BEGINNING


class Convergence(RuleBasedStateMachine):
    """Both sides of a restaurant, and all that can befall what keeps them equal."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.client = self.stage.project()
        self.town: Town = self.stage.wait(open_town(self.client))

    @initialize(days=st.lists(days, min_size=2, max_size=3))
    def opens(self, days: list[int]) -> None:
        for day in days:
            self.is_booked(day, 19, named=True)

    @rule(day=days, hour=hours, named=st.booleans())
    def is_booked(self, day: int, hour: int, *, named: bool) -> None:
        guest = self.town.guests.add(NAMES[hour % 4], "Example").key if named else None
        self.town.desk.create(self._at(day, hour), 2, guest_key=guest, request="Window seat")

    @rule(number=numbers, day=days, hour=hours)
    def is_moved(self, number: int, day: int, hour: int) -> None:
        self.town.desk.reschedule(self._key(number), self._at(day, hour))

    @rule(number=numbers, act=st.sampled_from(sorted(ACTS)))
    def is_changed(self, number: int, act: str) -> None:
        ACTS[act](self.town, self._key(number))

    @rule(size=st.integers(1, 8))
    def walks_in(self, size: int) -> None:
        self.town.floor.add_walk_in(size)

    @rule(number=numbers, name=st.sampled_from(NAMES))
    def guest_is_renamed(self, number: int, name: str) -> None:
        keys = self.town.guest_keys()
        self.town.guests.rename(keys[-1 - number % len(keys)], name, "Renamed")

    @rule(number=numbers)
    def guests_are_merged(self, number: int) -> None:
        keys = self.town.guest_keys()
        if len(keys) > 1:
            self.town.guests.merge(keys[number % len(keys)], keys[(number + 1) % len(keys)])

    @rule(number=numbers)
    def guest_is_forgotten(self, number: int) -> None:
        keys = self.town.guest_keys()
        if len(keys) > 1:  # somebody stays, to be renamed and merged
            self.town.guests.forget(keys[number % len(keys)])

    @rule(opentable=minutes, relay=minutes)
    def clocks_drift(self, opentable: int, relay: int) -> None:
        self.town.skewed.skew = timedelta(minutes=opentable)
        self.town.relay_skew = timedelta(minutes=relay)

    @rule(seconds=st.sampled_from([1, 90, 541, 3_600, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.town.world.clock.advance(seconds)

    @rule(number=numbers)
    def webhook_arrives(self, number: int) -> None:
        self._run((number, UNHARMED))

    @rule(number=numbers)
    def webhooks_meet(self, number: int) -> None:
        # Neighbours often tell of one reservation: OpenTable's word and the relay's.
        self._run((number, UNHARMED), (number + 1, UNHARMED))

    @rule(errand=errands, fate=fates)
    def worker_runs(self, errand: str | int, fate: Fate) -> None:
        self._run((errand, fate))

    @rule(errand=errands, fate=fates, other=errands, other_fate=fates)
    def two_workers_run(
        self, errand: str | int, fate: Fate, other: str | int, other_fate: Fate
    ) -> None:
        self._run((errand, fate), (other, other_fate))

    @rule(errand=st.sampled_from(["poll", "reconcile", "backfill"]), number=numbers, day=days)
    def book_changes_between_pages(self, errand: str, number: int, day: int) -> None:
        changed: list[int] = []

        def change(_: object) -> None:
            if not changed:
                changed.append(day)
                self.is_moved(number, day, 20)

        self.town.world.sandbox.faults.on_page = change
        self._run((errand, UNHARMED))
        self.town.world.sandbox.faults.on_page = None

    def teardown(self) -> None:
        try:
            self.stage.wait(assert_levels(self.town))
        finally:
            for worker in self.town.workers:
                worker.executor.shutdown()
            self.stage.emulator.clear(self.client.project)

    def _run(self, *runs: tuple[str | int, Fate]) -> None:
        pairs = zip(self.town.workers, runs, strict=False)
        self.stage.wait(
            run_at_once(*((worker, self._errand(what), fate) for worker, (what, fate) in pairs))
        )

    def _errand(self, what: str | int) -> Errand:
        return what if isinstance(what, str) else self.town.message(what)

    def _key(self, number: int) -> str:
        return self.town.reservation(number).key

    def _at(self, day: int, hour: int) -> datetime:
        return BEGINNING.replace(hour=hour) + timedelta(days=day)
