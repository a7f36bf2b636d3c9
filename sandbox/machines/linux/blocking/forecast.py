"""When the process that has just been let run will block, as far as it has been regular.

To be woken by a record takes us longer than all that we do about it. So where it is foreseen when the next record
comes, we wake a little before, and wait for it awake. Who blocks at another time is foreseen no more until it has been
regular again, so that this costs less than what it saves, and nothing where nobody is regular.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.process.child import Child
from sandbox.util.units import US

#: A turn is as long as the last one of the same process if it differs by less than this.
_NEAR_NS = 40 * US
#: For so long before and after the foreseen moment we wait awake; where no records come, it is looked so long after it.
EARLY_NS, LATE_NS, LOOK_NS = 30 * US, 50 * US, 80 * US
#: No more than this is allowed for that a sleep ends late.
MAX_LATENESS_NS = 60 * US
#: After so many turns of one length the next one is foreseen, and after as many more a single other one is forgiven.
_MIN_REGULAR = 2


class Forecast:
    """``next_ns``: when the last one that was let run will block (the machine's time); None: that is not foreseen."""

    def __init__(self) -> None:
        self.next_ns: int | None = None
        self._child: Child | None = None

    def dispatched(self, child: Child) -> None:
        """It has just been let run."""
        if self.next_ns is not None:
            self.missed()
        if child.regular >= _MIN_REGULAR:
            self._child, self.next_ns = child, child.started_ns + child.usual_turn_ns

    def blocked(self, child: Child, at_ns: int | None) -> None:
        """It has, at that time if it is known; else its CPU time tells for how long it ran."""
        if child is self._child:
            self._child = self.next_ns = None
        turn_ns = (child.blocked_since_ns() if at_ns is None else at_ns) - child.started_ns
        as_usual = abs(turn_ns - child.usual_turn_ns) < _NEAR_NS
        child.usual_turn_ns = turn_ns
        child.regular = min(child.regular + 1, 2 * _MIN_REGULAR) if as_usual else child.regular // 2

    def missed(self) -> None:
        """The moment is past, or the turn was over before."""
        if self._child is not None:
            self._child.regular //= 2
        self._child = self.next_ns = None
