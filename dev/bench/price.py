"""List prices of Firestore, by which the bench turns documents into dollars.

Standard edition, storage and the free daily part left out; looked up in November 2026.
"""

_READS = {"one region": 0.03, "nam5": 0.06}
_WRITES = {"one region": 0.09, "nam5": 0.18}
_DELETES = {"one region": 0.01, "nam5": 0.02}
_OPERATIONS_PER_PRICE = 100_000
_MILLION = 1_000_000


def compute_dollars_per_million(read: int, written: int) -> tuple[float, float]:
    """Return what a million events cost in one region, and in nam5.

    A journal entry is deleted in the end, by its time to live: one delete for each event that
    writes anything.

    Args:
        read: Documents that one event reads.
        written: Documents that it writes.
    """
    deleted = min(written, 1)
    one_region, nam5 = (
        (read * _READS[where] + written * _WRITES[where] + deleted * _DELETES[where])
        * (_MILLION / _OPERATIONS_PER_PRICE)
        for where in _READS
    )
    return one_region, nam5
