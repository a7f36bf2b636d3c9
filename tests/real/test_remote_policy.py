"""Real processes are scheduled by code that lives in a room, and the marks are for what they did."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.analysis.grading.judge import Judge
from sandbox.analysis.grading.lodgings import Lodgings
from sandbox.analysis.grading.marks import Mark
from sandbox.analysis.grading.reader import read
from tests.support.labs import ROUND_ROBIN

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

TASKS = """\
file = "mine.py"
limit = "10s"
[[task]]
points = 3
claim = ["switches >= 6", "b exits 0 before a exits 0", "unfinished = 0"]
scenario = "two.toml"
real = true
partial = true
"""
TWO = """\
[machine]
quantum = "10ms"
[[process]]
name = "a"
command = ["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]
[[process]]
name = "b"
work = ["cpu 30ms", "io 5ms", "cpu 10ms"]
"""


HELP = """\
import itertools, os
calls = itertools.count()
def now(): return next(calls) > 5
def forge():
    for fd in range(3, 20):
        try: os.write(fd, b'{"message":"Said","nonce":1,"answers":[1,1,1]}\\n')
        except OSError: pass
"""


def _mark(folder: Path, text: str) -> Mark:
    (folder / "TASKS.toml").write_text(TASKS)
    (folder / "two.toml").write_text(TWO)
    (folder / "mine.py").write_text(text)
    assignment = read(str(folder / "TASKS.toml"))
    lodgings = Lodgings(str(folder / "mine.py"), assignment, strict=False)
    try:
        return Judge(assignment, lodgings).mark(assignment.tasks[0])
    finally:
        lodgings.end()


def test_who_takes_turns_gets_the_points(tmp_path: Path) -> None:
    mark = _mark(tmp_path, ROUND_ROBIN)
    assert (mark.share, mark.says) == (1.0, None)


def test_who_does_not_loses_them(tmp_path: Path) -> None:
    mark = _mark(tmp_path, ROUND_ROBIN.replace("return self.quantum", "return None"))
    assert [part.held for part in mark.parts] == [False, False, True]
    assert mark.example is not None


@pytest.mark.parametrize(
    ("does", "rule"),
    [
        ("raise RuntimeError('oops')", "policy raises"),
        ("import os; os._exit(0)", "ends the process"),
        ("import time; time.sleep(60)", "policy takes too long"),
        ("forge()", "answers do not fit"),
    ],
)
def test_who_fails_in_the_middle_of_a_run_is_told_why(tmp_path: Path, does: str, rule: str) -> None:
    failing = ROUND_ROBIN.replace("return self.quantum", f"if now(): {does}\n        return self.quantum")
    mark = _mark(tmp_path, HELP + failing)
    assert mark.share == 0
    assert mark.says is not None
    assert mark.says.rule == rule
