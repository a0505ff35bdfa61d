"""A list that changes between its pages, for the tests of pagination."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from hypothesis import strategies as st

from shared.domain.opentable_pagination import Page, PaginationState, process_page

RowOrder = Literal["updated", "id", "shuffled", "unstable"]
Row = dict[str, object]
ChangeKind = Literal["touch", "insert", "remove"]
ListChange = tuple[ChangeKind, int]


@dataclass
class ChangingList:
    """A list on a server, and the changes after each of its pages."""

    order: RowOrder
    page_size: int
    size: int
    script: list[list[ListChange]] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.ticks = 0
        self.rows: dict[str, int] = {}
        self.shuffle_rank: dict[str, float] = {}
        for _ in range(self.size):
            self.insert()
        self.touched: set[str] = set()
        self.last_rows: list[Row] = []

    def insert(self) -> None:
        self.ticks += 1
        key = f"{self.random.randrange(10**9):09}-{self.ticks}"
        self.rows[key], self.shuffle_rank[key] = self.ticks, self.random.random()

    def change(self, change: ListChange) -> None:
        kind, index = change
        if kind == "insert" or not self.rows:
            self.insert()
            return
        key = sorted(self.rows)[index % len(self.rows)]
        self.touched.add(key)
        self.ticks += 1
        if kind == "touch":
            self.rows[key] = self.ticks
        else:
            del self.rows[key]

    def current_rows(self) -> list[Row]:
        keys = sorted(self.rows)
        if self.order == "updated":
            keys.sort(key=self.rows.__getitem__)
        elif self.order == "shuffled":
            keys.sort(key=self.shuffle_rank.__getitem__)
        elif self.order == "unstable":
            self.random.shuffle(keys)
        return [
            {"id": key, "sequence_id": self.rows[key], "updated_at_utc": f"t{self.rows[key]}"}
            for key in keys
        ]

    def fetch_page(self, offset: int) -> Page:
        self.last_rows = self.current_rows()
        rows = tuple(self.last_rows[offset : offset + self.page_size])
        page = Page(offset, rows, has_next_page=offset + self.page_size < len(self.last_rows))
        for change in self.script.pop(0) if self.script else []:
            self.change(change)
        return page


def read_all_pages(changing: ChangingList) -> tuple[PaginationState, list[Row]]:
    """Read all pages; return the final state and all returned rows in order."""
    listing, rows = PaginationState(), list[Row]()
    while (offset := listing.next_offset) is not None:
        listing, new_rows = process_page(listing, changing.fetch_page(offset))
        rows.extend(row for row in new_rows if isinstance(row, dict))
    return listing, rows


def change_scripts(*kinds: ChangeKind) -> st.SearchStrategy[list[list[ListChange]]]:
    """Return the changes of these kinds after each page."""
    changes = st.tuples(st.sampled_from(kinds), st.integers(0, 10_000))
    return st.lists(st.lists(changes, max_size=6), max_size=30)


def changing_lists(
    orders: tuple[RowOrder, ...], *kinds: ChangeKind, max_size: int = 80
) -> st.SearchStrategy[ChangingList]:
    """Return lists in one of these orders with changes of these kinds."""
    return st.builds(
        ChangingList,
        order=st.sampled_from(orders),
        page_size=st.integers(2, 30),
        size=st.integers(0, max_size),
        script=change_scripts(*kinds) if kinds else st.just([]),
        seed=st.integers(0, 2**32),
    )
