"""Whole books: the poll and the reconciliation against plain reads and writes, and their growth."""

from collections.abc import Iterator, Sequence

from dev.bench.arithmetic import Pair, exponent
from dev.bench.events import House
from dev.bench.figures import Figure, at_least, at_most, ratio_figure
from dev.bench.process import peak_mebibytes
from dev.bench.shop import Shop, expect, opened, seconds_of

_POLLED, _QUICK_POLLED = 10_000, 1_000
_SIZES, _QUICK_SIZES = (1_000, 10_000, 100_000), (500, 1_000, 2_000)
_ROUNDS = 3
_DIFFERENT = 1_000
"""One row in so many differs: 0.1 %."""

GROWTH = "growth: "
"""Begins the names of the figures that the plot shows."""


def polls(quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figures of the poll."""
    size = _QUICK_POLLED if quick else _POLLED
    with opened(1) as (shop, (house,)):
        shop.arrange(house, rows=size)
        expect(shop.poll(house), created=size)
        return [_changed(shop, house, size), _held(shop, house, size), _writes(shop, house)], []


def _changed(shop: Shop, house: House, size: int) -> Figure:
    def pair() -> Pair:
        shop.arrange(house, every=1)
        ours = seconds_of(lambda: expect(shop.poll(house), updated=size))
        return Pair(size / shop.plainly("write_plain", house), size / ours)

    pairs = [pair() for _ in range(_ROUNDS)]
    return ratio_figure(f"poll: {size:,} changed rows", "rows/s", at_least(0.50), pairs)


def _held(shop: Shop, house: House, size: int) -> Figure:
    def pair() -> Pair:
        plain = shop.plainly("get_all", house)
        ours = seconds_of(lambda: expect(shop.poll(house), unchanged=size))
        return Pair(size / plain, size / ours)

    pairs = [pair() for _ in range(_ROUNDS)]
    return ratio_figure(f"poll: {size:,} rows already held", "rows/s", at_least(0.70), pairs)


def _writes(shop: Shop, house: House) -> Figure:
    shop.tap.taken()
    shop.poll(house, counted=True)
    wrote = shop.tap.taken().wrote
    inside = wrote.total() - wrote["integrations"]
    return Figure(
        "… documents written, run state apart", inside, at_most(0), inside, "", detail=dict(wrote)
    )


def windows(quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figures of the reconciliation, and of how both runs grow."""
    sizes = _QUICK_SIZES if quick else _SIZES
    with opened(len(sizes)) as (shop, houses):
        return list(_windows(shop, houses, sizes)), []


def _windows(shop: Shop, houses: Sequence[House], sizes: Sequence[int]) -> Iterator[Figure]:
    first, pairs = [], []
    for house, size in zip(houses, sizes, strict=True):
        shop.arrange(house, rows=size)
        first.append(seconds_of(lambda: expect(shop.poll(house), created=size)))  # noqa: B023 -- at once
        pairs.append([_window(shop, house, size) for _ in range(_ROUNDS)])
    name = f"reconciliation: {sizes[-1]:,} rows, 0.1 % different"
    yield ratio_figure(name, "rows/s", at_least(0.60), pairs[-1])
    peak = peak_mebibytes(shop.functions["opentable_reconcile"].process.pid)
    yield Figure("… peak memory of its process", peak, at_most(300), peak, "MiB")
    yield _corrections(shop, houses[0], sizes[0])
    again = [min(size / each.ours for each in p) for size, p in zip(sizes, pairs, strict=True)]
    yield _growth("first poll", sizes, first)
    yield _growth("reconciliation", sizes, again)


def _window(shop: Shop, house: House, size: int) -> Pair:
    shop.arrange(house, every=_DIFFERENT)
    plain = shop.plainly("stream", house)
    ours = shop.seconds_to_reconcile(house, updated=-(-size // _DIFFERENT))
    return Pair(size / plain, size / ours)


def _corrections(shop: Shop, house: House, size: int) -> Figure:
    """Count what a reconciliation writes beyond its corrections, each a document and its entry."""
    shop.arrange(house, every=_DIFFERENT)
    shop.tap.taken()
    shop.reconcile(house, counted=True)
    wrote = shop.tap.taken().wrote
    beyond = wrote["reservations"] - -(-size // _DIFFERENT) + wrote["reconciliationReports"] - 1
    return Figure(
        "… reservations and reports written beyond differences + report",
        beyond,
        at_most(0),
        beyond,
        "",
        detail=dict(wrote),
    )


def _growth(what: str, sizes: Sequence[int], seconds: Sequence[float]) -> Figure:
    found = exponent(sizes, seconds)
    detail = {"sizes": list(sizes), "seconds": [round(each, 3) for each in seconds]}
    return Figure(f"{GROWTH}{what}, exponent", found, at_most(1.05), found, "", detail=detail)
