"""What a served function's processes took of the machine, as Linux counts it."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_GROUP_FIELD, _USER_TIME_FIELD, _SYSTEM_TIME_FIELD = (
    2,
    11,
    12,
)  # places behind the name in /proc/PID/stat, see proc(5)


def read_cpu_seconds(group: int) -> float:
    """Return the processor time, user and system, that a process group has taken so far.

    Args:
        group: Its id; the server is its leader, the workers its members.
    """
    stats = (stat for _, stat in _iterate_processes(group))
    return (
        sum(int(stat[_USER_TIME_FIELD]) + int(stat[_SYSTEM_TIME_FIELD]) for stat in stats)
        / _TICKS_PER_SECOND
    )


def read_peak_memory_mib(group: int) -> float:
    """Return the most memory that any process of a group has held at once, in MiB."""
    return max(_read_peak_memory_kib(process) for process, _ in _iterate_processes(group)) / 1024


def _read_peak_memory_kib(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _iterate_processes(group: int) -> Iterator[tuple[Path, list[str]]]:
    for process in _PROC.glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        if int(stat[_GROUP_FIELD]) == group:
            yield process, stat
