"""The sums kept of processes that have retired (``sandbox.model.retirement``): over all of them, and for each name."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

#: The most names with sums of their own; later names are added up under ``OTHERS``.
MAX_NAMES = 200
OTHERS = ""


class Figures(NamedTuple):
    """The figures of one ended process, or their sums over several. ``share``: see ``fairness`` in
    ``sandbox.views.metrics``; ``sharers``: the number of processes with a share; ``squares``: the sum of the squares of
    the shares."""

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
        """Return the sums of both."""
        return Figures._make(mine + its for mine, its in zip(self, other, strict=True))


class Retired:
    """Sums over retired processes, added one by one."""

    def __init__(self) -> None:
        self.all = Figures()
        #: The latest end of any of them.
        self.until_ns = 0
        self._names: dict[str, Figures] = {}

    @property
    def names(self) -> Mapping[str, Figures]:
        """The sums of each name; names beyond the first ``MAX_NAMES`` are added up under ``OTHERS``."""
        return self._names

    def add(self, name: str, ended_ns: int, figures: Figures) -> None:
        """Add a retired process."""
        self.all = self.all.plus(figures)
        self.until_ns = max(self.until_ns, ended_ns)
        if name not in self._names and len(self._names) >= MAX_NAMES:
            name = OTHERS
        self._names[name] = self._names.get(name, Figures()).plus(figures)

    def copy(self) -> Retired:
        """Return an independent copy."""
        retired = copy(self)
        retired._names = dict(self._names)
        return retired
