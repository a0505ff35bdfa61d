"""What a served function's processes took of the machine, as Linux counts it."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_GROUP, _USER, _SYSTEM = 2, 11, 12  # places behind the name in /proc/PID/stat, see proc(5)


def processor_seconds(group: int) -> float:
    """Return the processor time, user and system, that a process group has taken so far.

    Args:
        group: Its id; the server is its leader, the workers its members.
    """
    stats = (stat for _, stat in _members(group))
    return sum(int(stat[_USER]) + int(stat[_SYSTEM]) for stat in stats) / _TICKS


def peak_mebibytes(group: int) -> float:
    """Return the most memory that any process of a group has held at once, in MiB."""
    return max(_peak_kibibytes(process) for process, _ in _members(group)) / 1024


def _peak_kibibytes(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _members(group: int) -> Iterator[tuple[Path, list[str]]]:
    for process in _PROC.glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        if int(stat[_GROUP]) == group:
            yield process, stat
