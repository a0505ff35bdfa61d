"""Request a day's reservations as the host's page does, and record the changes it shows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

import requests

from dev.benchmarks.results import MeasurementPair

# Between a response and the page's next request, as in `public/js/reservations/day.js`.
PAGE_PAUSE_SECONDS = 2.5
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Change:
    """The `number`-th change, of one `row` of the day; `changed_at` is a `perf_counter` time."""

    row: int
    number: int
    changed_at: float


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A response to the page: the newest change that each row of the day shows."""

    requested_at: float
    received_at: float
    newest_changes: Mapping[int, int]

    def shows(self, change: Change) -> bool:
        """Return whether the response contains a change or a later one of its row."""
        return self.newest_changes.get(change.row, 0) >= change.number


@dataclass(slots=True)
class HostPage:
    """Request a day's reservations as the page does, with the last ETag."""

    url: str
    session: requests.Session
    _etag: str = ""
    _newest_changes: dict[int, int] = field(default_factory=dict)

    def refresh(self) -> PageResponse:
        """Send one request."""
        requested_at = time.perf_counter()
        headers = {"If-None-Match": self._etag} if self._etag else {}
        response = self.session.get(self.url, headers=headers, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        if response.status_code == requests.codes.ok:
            texts = [each["venueNotes"] for each in response.json()["reservations"]]
            notes = [text.split() for text in texts if text]
            self._newest_changes = {int(row): int(number) for row, number in notes}
        self._etag = response.headers["ETag"]
        return PageResponse(requested_at, time.perf_counter(), self._newest_changes)

    def refresh_until_shown(self, change: Change) -> PageResponse:
        """Send requests without a pause until a response shows a change, or fail."""
        while not (response := self.refresh()).shows(change):
            if response.received_at - change.changed_at > _TIMEOUT_SECONDS:
                raise RuntimeError(f"The page never showed change {change.number}.")
        return response

    def refresh_regularly(self, finished: Event) -> list[PageResponse]:
        """Send requests in the page's rhythm, the last one after `finished`."""
        responses = [self.refresh()]
        while True:
            is_last = finished.is_set()
            time.sleep(PAGE_PAUSE_SECONDS)
            responses.append(self.refresh())
            if is_last:
                return responses


def compute_page_delays(
    changes: Sequence[Change], responses: Sequence[PageResponse]
) -> list[MeasurementPair]:
    """Return each change's delay until the first response that shows it.

    The floor is the wait for the page's next request: the delay of a ledger without any.
    """
    pairs = []
    for change in changes:
        later = [each for each in responses if each.requested_at > change.changed_at]
        shown = [each for each in responses if each.shows(change)]
        if not shown:
            raise RuntimeError(f"No response shows change {change.number}: check the webhooks.")
        instants = later[0].requested_at, shown[0].received_at
        pairs.append(MeasurementPair(*(instant - change.changed_at for instant in instants)))
    return pairs
