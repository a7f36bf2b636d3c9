"""Who spins: is where it has been, with the same values, and nothing that is shared has changed since.

Such a turn brings nothing, so others come first: it counts as blocked until somebody else has stepped.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Collection, Iterable

from sandbox.machines.linux.stepping.tasks import Task

#: Who spins with nobody there who could change anything is let go on for so many turns: where all of its values are
#: known, and where it may be doing something that nobody sees.
_MAX_ROUNDS, _MAX_UNSURE_ROUNDS = 200, 10_000


class Spinning:
    """``changed``: in the turn in hand something has been changed that somebody who spins may wait for, as far as we
    see."""

    def __init__(self) -> None:
        self.changed = False
        #: Rounds since anything else happened.
        self._rounds = 0

    def begin_anew(self) -> None:
        """Somebody has come to where it has not been."""
        self._rounds = 0

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
            self._rounds = 0
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


def _limit(spinning: Collection[Task]) -> int:
    return _MAX_ROUNDS if all(task.complete for task in spinning) else _MAX_UNSURE_ROUNDS
