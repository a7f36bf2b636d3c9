"""What is left of processes that have retired (``sandbox.model.retirement``): sums, of all and of each name."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

#: Sums are kept of so many names; later ones share one line.
MAX_NAMES = 200
OTHERS = ""


class Figures(NamedTuple):
    """Of one process that has ended, or the sums of several. ``share``: see ``fairness`` in ``sandbox.views.metrics``;
    of those that have one, ``sharers``, also the sum of the squares."""

    processes: int = 0
    failed: int = 0
    cpu_ns: int = 0
    waiting_ns: int = 0
    blocked_ns: int = 0
    turnaround_ns: int = 0
    switches: int = 0
    switching_ns: int = 0
    sharers: int = 0
    share: float = 0.0
    squares: float = 0.0

    def plus(self, other: Figures) -> Figures:
        """The sums of both."""
        return Figures._make(mine + its for mine, its in zip(self, other, strict=True))


class Retired:
    """Grows by one process after another."""

    def __init__(self) -> None:
        self.all = Figures()
        #: When the last of them ended.
        self.until_ns = 0
        self._names: dict[str, Figures] = {}

    @property
    def names(self) -> Mapping[str, Figures]:
        """The sums of each name; of names that came too late for a line of their own under ``OTHERS``."""
        return self._names

    def add(self, name: str, ended_ns: int, figures: Figures) -> None:
        """One more has retired."""
        self.all = self.all.plus(figures)
        self.until_ns = max(self.until_ns, ended_ns)
        if name not in self._names and len(self._names) >= MAX_NAMES:
            name = OTHERS
        self._names[name] = self._names.get(name, Figures()).plus(figures)

    def copy(self) -> Retired:
        """Sums of its own."""
        retired = copy(self)
        retired._names = dict(self._names)
        return retired
