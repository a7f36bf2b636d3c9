"""The course: the built-in lessons in the order in which one takes them, and the concepts that they teach."""

from __future__ import annotations

from pathlib import Path

from sandbox.scenario import built_in, built_in_folder, load
from sandbox.spec import Scenario

#: What the course teaches, by the numbers that scenarios give under ``concepts``.
CONCEPTS = {
    1: "multiprogramming",
    2: "data isolation",
    3: "programs in one memory",
    4: "time sharing",
    5: "process",
    6: "thread",
    7: "parallel and concurrent",
    8: "synchronous, asynchronous, blocking, non-blocking",
    9: "non-blocking socket",
    10: "three states",
    11: "scheduling",
    12: "parent and child",
    13: "fork and spawn",
    14: "what a child is given and gives back",
    15: "start and join",
    16: "joining well",
    17: "forking server",
    18: "client",
    19: "one server, many clients",
}


def in_order() -> list[Path]:
    """The built-in scenarios in the order of ``course.txt``; those that it leaves out come last."""
    lines = (built_in_folder() / "course.txt").read_text(encoding="utf-8").splitlines()
    order = {name: place for place, name in enumerate(line.strip() for line in lines)}
    return sorted(built_in(), key=lambda path: (order.get(path.stem, len(order)), path.stem))


def lessons() -> list[Scenario]:
    """The built-in scenarios that have a lesson, in order. Raises BadScenario."""
    return [scenario for path in in_order() if (scenario := load(path)).lesson is not None]
