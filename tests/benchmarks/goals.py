"""What the figures are to reach on a quiet machine with two CPUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.benchmarks.figures import Figure, number


class Goal(NamedTuple):
    """At most, or at least, so much: of the figure itself, or of its ``ratio`` to the first alternative."""

    most: float | None = None
    least: float | None = None
    ratio: bool = False

    def reached(self, figure: Figure) -> bool:
        """Whether the figure is as it should be."""
        value = figure.beside[0].ratio if self.ratio else figure.value
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def said(self, figure: Figure) -> str:
        """The goal, and whether it is reached, for people."""
        unit = "×" if self.ratio else figure.unit
        bound, sign = (self.least, "≥") if self.most is None else (self.most, "≤")
        assert bound is not None
        value = f"{bound:g}" if self.ratio or bound < 1_000 else number(bound)
        return f"goal {sign} {value} {unit}".rstrip() + (": reached" if self.reached(figure) else ": NOT reached")


#: By benchmark and figure.
GOALS: Mapping[str, Mapping[str, Goal]] = {
    "simulate": {
        "decisions, the whole process": Goal(least=150_000),
        "memory for a million decisions": Goal(most=120),
    },
    "start": {
        "check": Goal(most=120),
        "lessons": Goal(most=120),
        "doctor": Goal(most=120),
        "--version": Goal(most=120),
        "policies": Goal(most=120),
        "scenarios": Goal(most=120),
    },
    "first_frame": {"first frame": Goal(most=1.7, ratio=True)},
    "server": {"clients served": Goal(least=0.8, ratio=True), "round trip": Goal(most=3, ratio=True)},
    "dispatch": {
        "1 ms: engine's own CPU": Goal(most=0.06),
        "5 ms: engine's own CPU": Goal(most=0.025),
        "20 ms: engine's own CPU": Goal(most=0.012),
        "1 ms: slice error p99": Goal(most=150),
        "5 ms: slice error p99": Goal(most=150),
        "20 ms: slice error p99": Goal(most=150),
    },
    "blocks": {
        "perf: block to dispatch": Goal(most=90),
        "idle: block to dispatch": Goal(most=120),
        "poll: block to dispatch": Goal(most=250),
    },
    "births": {"a process, of 300": Goal(most=1.1, ratio=True)},
    "makespan": {"mixed load, quantum 5 ms": Goal(most=1.005, ratio=True)},
}


def goal_of(benchmark: str, figure: Figure) -> Goal | None:
    """What this figure is to reach, if anything."""
    return GOALS.get(benchmark, {}).get(figure.name)
