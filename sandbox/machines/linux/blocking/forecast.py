"""Predicts when a running process will block, if its turns have been of equal length.

To be woken by a record takes longer than processing it. So if the time of the next record can be predicted, we wake a
little earlier and busy-wait for it. After a wrong prediction, the process has to be regular again first. So this costs
less than it saves, and nothing if no process is regular.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.process.child import Child
from sandbox.util.units import US

#: A turn counts as equally long as the previous one if the difference is below this.
_NEAR_NS = 40 * US
#: The length of the busy wait before and after the predicted moment. A sensor without records looks at this time after
#: it.
EARLY_NS, LATE_NS, LOOK_NS = 30 * US, 50 * US, 80 * US
#: The maximum allowance for late sleeps.
MAX_LATENESS_NS = 60 * US
#: After so many turns of equal length the next one is predicted. After twice as many, a single other one is forgiven.
_MIN_REGULAR = 2


class Forecast:
    """Predicts the end of a turn. ``next_ns``: when the process that was dispatched last will block (machine time), or
    None."""

    def __init__(self) -> None:
        self.next_ns: int | None = None
        self._child: Child | None = None

    def dispatched(self, child: Child) -> None:
        """Note that a process was dispatched."""
        if self.next_ns is not None:
            self.missed()
        if child.regular >= _MIN_REGULAR:
            self._child, self.next_ns = child, child.started_ns + child.usual_turn_ns

    def blocked(self, child: Child, at_ns: int | None) -> None:
        """Note that a process has blocked, at ``at_ns`` (None: derive it from the CPU time)."""
        if child is self._child:
            self._child = self.next_ns = None
        turn_ns = (child.blocked_since_ns() if at_ns is None else at_ns) - child.started_ns
        as_usual = abs(turn_ns - child.usual_turn_ns) < _NEAR_NS
        child.usual_turn_ns = turn_ns
        child.regular = min(child.regular + 1, 2 * _MIN_REGULAR) if as_usual else child.regular // 2

    def missed(self) -> None:
        """Note that the process has not blocked at the predicted time."""
        if self._child is not None:
            self._child.regular //= 2
        self._child = self.next_ns = None
