"""How long somebody else had the CPU of a process that we had let run: another program, or the system itself.

What it did not use of the time since its dispatch it was either waiting for something, which ends its turn, or for the
CPU. For how long it has waited for a CPU the system counts for every thread. To ask takes longer than a switch, so the
missing time is added up over turns, and it is asked only when much of it is missing: where nobody disturbs, never.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import run_queue_wait_ns
from sandbox.util.units import MS, US

#: Less than this in one turn is the switch itself.
_MIN_MISSING_NS = 100 * US
#: When so much is missing it is asked; of one that has ended, which can be asked no more, when it is so much.
_ASK_NS, _ASK_LAST_NS = 10 * MS, 1 * MS
#: A turn that lasts longer is accounted for piece by piece.
_PIECE_NS = 100 * MS


class StolenTime:
    """Told of the beginning and the end of each turn. Times are the machine's."""

    def begin(self, child: Child) -> None:
        """It has been let run. As long as it was stopped it did not wait for the CPU in the system's eyes."""
        child.turn_ns, child.turn_cpu_ns = child.started_ns, child.started_cpu_ns

    def end(self, child: Child, at_ns: int, last: bool = False, cpu_ns: int | None = None) -> int:
        """Its turn was over then: for how long somebody else has had its CPU, as far as it was not told yet. ``last``:
        there will be no other turn. ``cpu_ns``: what it has used, if that was just asked for."""
        if child.turn_ns is None:
            return 0
        missing_ns = at_ns - child.turn_ns - ((child.cpu_ns() if cpu_ns is None else cpu_ns) - child.turn_cpu_ns)
        child.turn_ns = None
        if missing_ns >= _MIN_MISSING_NS:
            child.missing_ns += missing_ns
        return self._ask(child) if child.missing_ns >= (_ASK_LAST_NS if last else _ASK_NS) else 0

    def end_piece(self, child: Child, now_ns: int) -> int:
        """The same of a turn that goes on, if there is a piece of it to account for."""
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
