"""A parser of Python's stack traces: what Error Reporting groups errors by."""

import re
from dataclasses import dataclass

_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_ERROR = re.compile(r"[A-Za-z_][\w.]*")
_RELATIONS = {
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of code on the stack."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class StackTrace:
    """An error and its frames, the newest last."""

    error: str
    frames: list[Frame]


def parse_stack_trace(text: str) -> list[StackTrace]:
    """Return the traces in a text, causes first; fail for a text of another form."""
    blocks = text.removesuffix("\n").split("\n\n")
    assert set(blocks[1::2]) <= _RELATIONS
    return [_parse_trace(block) for block in blocks[::2]]


def _parse_trace(block: str) -> StackTrace:
    header, *frames, error = block.splitlines()
    assert header == "Traceback (most recent call last):"
    assert _ERROR.fullmatch(error)
    return StackTrace(error, [_parse_frame(frame) for frame in frames])


def _parse_frame(line: str) -> Frame:
    match = _FRAME.fullmatch(line)
    assert match, line
    return Frame(match["file"], int(match["line"]), match["function"])
