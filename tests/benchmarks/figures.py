"""What a benchmark yields, and how it is measured, printed and passed between processes.

A benchmark is a module of this package with ``measure(rounds) -> Iterator[Figure]``, and ``ROUNDS``, how many it takes
when nobody says a number. Its docstring's first line is its title.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from tests.benchmarks.ratios import quotient

Better = Literal["less", "more"]


class CannotMeasure(Exception):
    """This machine lacks what the benchmark needs; the message says what."""


class Alternative(msgspec.Struct, frozen=True):
    """Something else that does the work of a figure, measured in the same rounds and in the same unit."""

    name: str
    value: float
    #: Of the figure to it, the median of the ratios of all rounds.
    ratio: float
    #: Its work is not done by code of the project: it must take the same in every revision, and is a control for them.
    foreign: bool


class Figure(msgspec.Struct, frozen=True):
    """One result: the median over the rounds. Its name is unique in its benchmark."""

    name: str
    value: float
    unit: str
    better: Better
    beside: list[Alternative]

    @property
    def control(self) -> float | None:
        """What the first foreign alternative took."""
        return next((each.value for each in self.beside if each.foreign), None)


class Result(msgspec.Struct, frozen=True):
    """All figures of a benchmark: a line of ``--json``."""

    benchmark: str
    figures: list[Figure]


class Beside(msgspec.Struct, frozen=True):
    """The values of an alternative, one for each round."""

    name: str
    values: Sequence[float]
    foreign: bool = True


def figure(name: str, values: Sequence[float], unit: str, better: Better, *beside: Beside) -> Figure:
    """Medians and ratios. A ratio is taken within a round, in which the machine was equally busy for both."""

    def alternative(other: Beside) -> Alternative:
        ratios = [quotient(mine, theirs) for mine, theirs in zip(values, other.values, strict=True)]
        return Alternative(other.name, statistics.median(other.values), statistics.median(ratios), other.foreign)

    return Figure(name, statistics.median(values), unit, better, [alternative(other) for other in beside])


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """The values of each; every round measures all of them, one after the other."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [list(values) for values in zip(*taken, strict=True)]


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def number(value: float) -> str:
    """A value with four digits or more."""
    decimals = next((decimals for decimals, least in enumerate((1000, 100, 10)) if abs(value) >= least), 3)
    return f"{value:,.{decimals}f}"


def lines(figure: Figure) -> list[str]:
    """The figure for people: a line for each alternative, one where there is none."""
    ours = f"{figure.name:<30} {number(figure.value):>10} {figure.unit:<4}"
    return [
        f"{ours} {number(other.value):>12} {figure.unit:<4} {other.name:<28} ratio {other.ratio:7.3f}"
        for other in figure.beside
    ] or [ours.rstrip()]


def decode(output: Iterable[str]) -> list[Result]:
    """What ``--json`` printed; ``ValueError`` where it is something else."""
    return [_decode(line) for line in output if line.strip()]


def _decode(line: str) -> Result:
    try:
        return msgspec.json.decode(line, type=Result)
    except msgspec.MsgspecError as error:
        raise ValueError(f"no figures: {line.strip()[:80]!r} ({error})") from error


def encode(result: Result) -> str:
    return msgspec.json.encode(result).decode()
