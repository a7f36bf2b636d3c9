"""Recognises tasks that spin: they are in a state in which they were before, and nothing shared has changed since.

Such a turn has no effect, so others come first: the task counts as blocked until another one has stepped.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.machines.linux.stepping.tasks import Task
from sandbox.util.units import MS, S

#: For how many turns spinning tasks are continued if no other task could change anything: if all of their values are
#: known, and if they may be doing something that cannot be seen.
_MAX_ROUNDS, _MAX_UNSURE_ROUNDS = 200, 10_000
#: After that, they are continued at intervals of at least _MIN_INTERVAL_NS, a part (one in _INTERVALS) of the time that
#: has passed, since they may wait for the clock or a timer. A run that is not attended ends after _PATIENCE_NS.
_MIN_INTERVAL_NS, _INTERVALS, _PATIENCE_NS = 20 * MS, 8, 2 * S


class Spinning:
    """Keeps track of spinning tasks. ``changed``: whether the present turn has changed something for which one of them
    may wait, as far as can be seen."""

    def __init__(self) -> None:
        self.changed = False
        #: The number of turns of spinning tasks since anything else happened.
        self._rounds = 0
        #: Since when tasks can only wait for time to pass, in ns of the real clock; None if they do not.
        self._since_ns: int | None = None

    def begin_anew(self) -> None:
        """Note that a task has reached a state in which it was not before."""
        self._rounds, self._since_ns = 0, None

    def makes_way(self, task: Task, alone: bool) -> bool:
        """Whether a task in a state in which it was before is blocked from now on. ``alone``: there are no other
        tasks."""
        if alone and self._rounds < _limit([task]):
            self._rounds += 1
            return False
        task.spins = True
        return True

    def look_again(self, tasks: Iterable[Task], turned: Task) -> list[Task]:
        """Return the spinning tasks that go on because another task had a turn. If that has changed something, the
        states that the tasks have seen are forgotten."""
        if self.changed:
            self.begin_anew()
            for task in tasks:
                task.seen.clear()
        return [] if turned.spins else [task for task in tasks if task.spins and task is not turned]

    def go_on_all_the_same(self, tasks: Iterable[Task]) -> list[Task]:
        """Return spinning tasks that go on for a while although nothing has changed: no other task could change
        anything, and what they do may have effects that cannot be seen."""
        spinning = [task for task in tasks if task.spins]
        if self._rounds >= _limit(spinning):
            return []
        self._rounds += len(spinning)
        return spinning

    def interval_ns(self, tasks: Iterable[Task], now_ns: int, attended: bool) -> int | None:
        """Return how long to leave spinning tasks alone before they go on once more, since they may wait for a time;
        None if no task spins, or the run is to end. ``now_ns``: time of the real clock."""
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
