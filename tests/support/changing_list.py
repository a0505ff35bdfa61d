"""A list that changes between the pages cut from it, for the laws of paging."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from hypothesis import strategies as st

from shared.domain.opentable_pagination import Page, PaginationState, accept_page, next_page_offset

RowOrder = Literal["updated", "id", "shuffled", "unstable"]
Row = dict[str, object]
ChangeKind = Literal["touch", "insert", "remove"]
ListChange = tuple[ChangeKind, int]


@dataclass
class ChangingList:
    """Rows in an order, a page size that the server insists on, and the changes to come."""

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
        self.last: list[Row] = []

    def insert(self) -> None:
        self.ticks += 1
        key = f"{self.random.randrange(10**9):09}-{self.ticks}"
        self.rows[key], self.shuffle_rank[key] = self.ticks, self.random.random()

    def change(self, deed: ListChange) -> None:
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
        self.last = self.current_rows()
        page = self.last[offset : offset + self.page_size]
        answer = Page(offset, tuple(page), has_next_page=offset + self.page_size < len(self.last))
        for deed in self.script.pop(0) if self.script else []:
            self.change(deed)
        return answer


def read_all_pages(changing: ChangingList) -> tuple[PaginationState, list[Row]]:
    """Read the whole list; return the last state and all rows yielded, in their order."""
    listing, rows = PaginationState(), list[Row]()
    while (offset := next_page_offset(listing)) is not None:
        listing, new_rows = accept_page(listing, changing.fetch_page(offset))
        rows.extend(row for row in new_rows if isinstance(row, dict))
    return listing, rows


def change_scripts(*kinds: ChangeKind) -> st.SearchStrategy[list[list[ListChange]]]:
    """Return scripts of what happens after each page, made of the given deeds."""
    deed = st.tuples(st.sampled_from(kinds), st.integers(0, 10_000))
    return st.lists(st.lists(deed, max_size=6), max_size=30)


def changing_lists(
    orders: tuple[RowOrder, ...], *kinds: ChangeKind, max_size: int = 80
) -> st.SearchStrategy[ChangingList]:
    """Return lists in these orders to which these things happen."""
    return st.builds(
        ChangingList,
        order=st.sampled_from(orders),
        page_size=st.integers(2, 30),
        size=st.integers(0, max_size),
        script=change_scripts(*kinds) if kinds else st.just([]),
        seed=st.integers(0, 2**32),
    )
