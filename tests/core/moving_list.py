"""A list that changes between the pages cut from it, for the laws of paging."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from hypothesis import strategies as st

from shared.core.paging import Page, PaginationState, accept_page, next_page_offset

Order = Literal["updated", "id", "shuffled", "unstable"]
Row = dict[str, object]
What = Literal["touch", "insert", "remove"]
Deed = tuple[What, int]


@dataclass
class MovingList:
    """Rows in an order, a page size that the server insists on, and the changes to come."""

    order: Order
    clamp: int
    size: int
    script: list[list[Deed]] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 -- a shuffle, not a secret
        self.ticks = 0
        self.rows: dict[str, int] = {}
        self.rank: dict[str, float] = {}
        for _ in range(self.size):
            self.insert()
        self.touched: set[str] = set()
        self.last: list[Row] = []

    def insert(self) -> None:
        self.ticks += 1
        key = f"{self.random.randrange(10**9):09}-{self.ticks}"
        self.rows[key], self.rank[key] = self.ticks, self.random.random()

    def change(self, deed: Deed) -> None:
        what, which = deed
        if what == "insert" or not self.rows:
            self.insert()
            return
        key = sorted(self.rows)[which % len(self.rows)]
        self.touched.add(key)
        self.ticks += 1
        if what == "touch":
            self.rows[key] = self.ticks
        else:
            del self.rows[key]

    def listed(self) -> list[Row]:
        keys = sorted(self.rows)
        if self.order == "updated":
            keys.sort(key=self.rows.__getitem__)
        elif self.order == "shuffled":
            keys.sort(key=self.rank.__getitem__)
        elif self.order == "unstable":
            self.random.shuffle(keys)
        return [
            {"id": key, "sequence_id": self.rows[key], "updated_at_utc": f"t{self.rows[key]}"}
            for key in keys
        ]

    def answer(self, offset: int) -> Page:
        self.last = self.listed()
        page = self.last[offset : offset + self.clamp]
        answer = Page(offset, tuple(page), has_next_page=offset + self.clamp < len(self.last))
        for deed in self.script.pop(0) if self.script else []:
            self.change(deed)
        return answer


def read_through(moving: MovingList) -> tuple[PaginationState, list[Row]]:
    """Read the whole list; return the last state and all rows yielded, in their order."""
    listing, rows = PaginationState(), list[Row]()
    while (offset := next_page_offset(listing)) is not None:
        listing, news = accept_page(listing, moving.answer(offset))
        rows.extend(row for row in news if isinstance(row, dict))
    return listing, rows


def scripts(*deeds: What) -> st.SearchStrategy[list[list[Deed]]]:
    """Return scripts of what happens after each page, made of the given deeds."""
    deed = st.tuples(st.sampled_from(deeds), st.integers(0, 10_000))
    return st.lists(st.lists(deed, max_size=6), max_size=30)


def moving_lists(
    orders: tuple[Order, ...], *deeds: What, most: int = 80
) -> st.SearchStrategy[MovingList]:
    """Return lists in these orders to which these things happen."""
    return st.builds(
        MovingList,
        order=st.sampled_from(orders),
        clamp=st.integers(2, 30),
        size=st.integers(0, most),
        script=scripts(*deeds) if deeds else st.just([]),
        seed=st.integers(0, 2**32),
    )
