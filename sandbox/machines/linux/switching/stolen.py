"""Measures for how long the CPU of a dispatched process was used by another program, or the system.

A process that has not used all of the time since its dispatch was either waiting for something, which ends its turn, or
for the CPU. The system counts for every thread how long it has waited for a CPU. Reading that takes longer than a
switch, so unused time is summed over turns, and the count is read only when the sum is large: never, if there is no
other load.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import run_queue_wait_ns
from sandbox.util.units import MS, US

#: Less unused time than this in one turn is the cost of the switch.
_MIN_MISSING_NS = 100 * US
#: The unused time from which on the count is read; and the same for a process that has ended, for which this is the
#: last opportunity.
_ASK_NS, _ASK_LAST_NS = 10 * MS, 1 * MS
#: A turn that lasts longer is accounted for in pieces of this length.
_PIECE_NS = 100 * MS


class StolenTime:
    """Accounts for stolen time. Must be told of the beginning and the end of each turn. Times are machine times."""

    def begin(self, child: Child) -> None:
        """Note that the process was dispatched. While it was stopped it did not wait for a CPU by the system's
        account."""
        child.turn_ns, child.turn_cpu_ns = child.started_ns, child.started_cpu_ns

    def end(self, child: Child, at_ns: int, last: bool = False, cpu_ns: int | None = None) -> int:
        """Note that the turn ended at ``at_ns``, and return the stolen time that was not reported yet, in ns. ``last``:
        whether there will be no other turn; ``cpu_ns``: its CPU time, if already read."""
        if child.turn_ns is None:
            return 0
        missing_ns = at_ns - child.turn_ns - ((child.cpu_ns() if cpu_ns is None else cpu_ns) - child.turn_cpu_ns)
        child.turn_ns = None
        if missing_ns >= _MIN_MISSING_NS:
            child.missing_ns += missing_ns
        return self._ask(child) if child.missing_ns >= (_ASK_LAST_NS if last else _ASK_NS) else 0

    def end_piece(self, child: Child, now_ns: int) -> int:
        """Return the stolen time in ns of a turn that goes on, if the current piece is long enough to be accounted
        for."""
        if child.turn_ns is None or now_ns - child.turn_ns < _PIECE_NS:
            return 0
        stolen_ns = self.end(child, now_ns)
        child.turn_ns, child.turn_cpu_ns = now_ns, child.cpu_ns()
        return stolen_ns

    @staticmethod
    def _ask(child: Child) -> int:
        missing_ns, child.missing_ns = child.missing_ns, 0
        queued_ns = run_queue_wait_ns(child.os_pid, child.threads)
        if queued_ns is None:
            return 0
        before_ns, child.queued_ns = child.queued_ns, queued_ns
        return max(min(missing_ns, queued_ns - before_ns), 0)
