"""Who spins: is where it has been, with the same values, and nothing that is shared has changed since.

Such a turn brings nothing, so others come first: it counts as blocked until somebody else has stepped.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.machines.linux.stepping.tasks import Task
from sandbox.util.units import MS, S

#: Who spins with nobody there who could change anything is let go on for so many turns: where all of its values are
#: known, and where it may be doing something that nobody sees.
_MAX_ROUNDS, _MAX_UNSURE_ROUNDS = 200, 10_000
#: And then at intervals of a part of the time that has passed, since it may wait for the clock or for a timer. A run
#: that nobody attends gives up after so long.
_MIN_INTERVAL_NS, _INTERVALS, _PATIENCE_NS = 20 * MS, 8, 2 * S


class Spinning:
    """``changed``: in the turn in hand something has been changed that somebody who spins may wait for, as far as we
    see."""

    def __init__(self) -> None:
        self.changed = False
        #: Rounds since anything else happened.
        self._rounds = 0
        #: Since when they only wait for time to pass, in ns of the real clock.
        self._since_ns: int | None = None

    def begin_anew(self) -> None:
        """Somebody has come to where it has not been."""
        self._rounds, self._since_ns = 0, None

    def makes_way(self, task: Task, alone: bool) -> bool:
        """Whether one that is where it has been waits from now on; ``alone``: nobody is there for whom it could."""
        if alone and self._rounds < _limit([task]):
            self._rounds += 1
            return False
        task.spins = True
        return True

    def look_again(self, tasks: Iterable[Task], turned: Task) -> list[Task]:
        """Those that go on because another one has had a turn. Where that has changed something, everybody begins anew
        to be where it has not been."""
        if self.changed:
            self.begin_anew()
            for task in tasks:
                task.seen.clear()
        return [] if turned.spins else [task for task in tasks if task.spins and task is not turned]

    def go_on_all_the_same(self, tasks: Iterable[Task]) -> list[Task]:
        """Those that go on for a while though nothing has changed: nobody else is there who could change anything, and
        what they do may be more than we see."""
        spinning = [task for task in tasks if task.spins]
        if self._rounds >= _limit(spinning):
            return []
        self._rounds += len(spinning)
        return spinning

    def interval_ns(self, tasks: Iterable[Task], now_ns: int, attended: bool) -> int | None:
        """For how long those that spin are left alone before they go on once more, since what changes may be the time;
        None: nobody spins, or there is no hope any more. ``now_ns``: of the real clock."""
        if not any(task.spins for task in tasks):
            return None
        if self._since_ns is None:
            self._since_ns = now_ns
        passed_ns = now_ns - self._since_ns
        if passed_ns > _PATIENCE_NS and not attended:
            return None
        return max(passed_ns // _INTERVALS, _MIN_INTERVAL_NS)


def _limit(spinning: Collection[Task]) -> int:
    return _MAX_ROUNDS if all(task.complete for task in spinning) else _MAX_UNSURE_ROUNDS
