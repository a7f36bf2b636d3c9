"""What a line is about to touch of what several processes see, told before it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from ctypes import addressof, sizeof
from multiprocessing import get_context
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are stepped on Linux")

CONTEXT = get_context("fork")
PROGRAM = """
def away(a):
    a[0] = 1

class Room:
    def __init__(self, x):
        self.x = x

def main(a, x, whole, lock, changed, me, unknown):
    other = 1 - me
    a[me] = 1 + max(a)
    room = Room(x)
    room.x.value += 1
    while a[other] and a[2] < other: pass
    whole.value = 3
    with lock: x.value = other
    changed.notify_all()
    print(f"x = {x.value}")
    for i in range(3): a[i] = i
    away(a)
    most = [a[i] for i in range(3) if i != me]
    unknown(most)
    if most[0] == other: me = other
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """By line, what was told of it."""
    from sandbox.programs.stepping.footprints import Footprint, NotUnderstood
    from sandbox.programs.stepping.touches import Touches

    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    module = ModuleType("program")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "program", module)
    world = module.__dict__
    exec(compile(PROGRAM, str(file), "exec"), world)
    touches = Touches(lambda code: code.co_filename == str(file), f"{tmp_path}/")
    found: dict[int, str] = {}

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != str(file):
            return None
        if event == "line":
            footprint = Footprint()
            try:
                touches.line(frame, frame.f_lineno, footprint)
                said = " ".join(sorted(names(footprint.written())))
            except NotUnderstood:
                said = "?"
            found.setdefault(frame.f_lineno, said)
        return trace

    a, x = CONTEXT.Array("i", 3, lock=False), CONTEXT.Value("i", 0, lock=False)
    whole, lock, changed = CONTEXT.Value("i", 0), CONTEXT.Lock(), CONTEXT.Condition()
    known = {(addressof(a) + 4 * index, 4): f"a{index}" for index in range(3)}
    known |= {(addressof(a), 12): "a", (addressof(x), 4): "x", (addressof(whole.get_obj()), 4): "whole"}
    handles = {"whole's": whole.get_lock(), "lock": lock, "changed": changed._lock}  # type: ignore[attr-defined]
    known |= {(each._semlock.handle, 32): name for name, each in handles.items()}

    def names(footprint: str) -> list[str]:
        pieces = []
        for each in footprint.split():
            address, _, length = each[1:].partition(":")
            pieces.append(each[0] + " " + known.get((int(address), int(length)), "?") if length else each)
        return [piece.replace(" ", ":") for piece in pieces]

    assert sizeof(a) == 12
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with changed:
            world["main"](a, x, whole, lock, changed, 0, lambda value: None)
    finally:
        sys.settrace(before)
    return found


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(PROGRAM.split("\n"), 1) if text in line)


@pytest.mark.parametrize(
    ("line", "touches"),
    [
        ("other = 1 - me", ""),
        ("a[me] = 1 + max(a)", "r:a w:a0"),
        ("room = Room", "?"),
        ("room.x.value += 1", "r:x w:x"),
        ("while a[other]", "r:a1 r:a2"),
        ("whole.value = 3", "w:whole w:whole's"),
        ("with lock: x.value", "w:lock w:x"),
        ('print(f"x', "r:x wout"),
        ("for i in range", "w:a"),
        ("    away(a)", ""),
        ("a[0] = 1", "w:a0"),
        ("most = [", "r:a"),
        ("unknown(most)", "?"),
        ("if most[0]", ""),
    ],
)
def test_what_a_line_touches_is_told_before_it_runs(told: dict[int, str], line: str, touches: str) -> None:
    assert told[line_of(line)] == touches


def test_a_condition_is_all_of_its_locks(told: dict[int, str]) -> None:
    pieces = told[line_of("changed.notify_all()")].split()
    assert "w:changed" in pieces
    assert len(pieces) >= 2


def test_a_start_that_forks_touches_nothing_but_who_is_there() -> None:
    from sandbox.programs.stepping.footprints import Footprint, NotUnderstood

    footprint = Footprint()
    footprint.call_method(CONTEXT.Process(), "start", [], lambda function: False)
    assert footprint.written() == "wbirth"
    with pytest.raises(NotUnderstood):  # what another interpreter does first, nobody knows
        footprint.call_method(get_context("spawn").Process(), "start", [], lambda function: False)
