"""How long somebody else had the CPU of a process that we had let run: another program, or the system itself.

What it did not use of the time since its dispatch it was either waiting for something, which ends its turn, or for the
CPU. For how long it has waited for a CPU the system counts for every thread. That is asked only where much of the time
is missing, so that it costs nothing where nobody disturbs.
"""

from __future__ import annotations

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import run_queue_wait_ns
from sandbox.util.units import MS, US

#: Less than this in one turn is the switch itself.
_MIN_STOLEN_NS = 100 * US
#: A turn that lasts longer is accounted for piece by piece.
_PIECE_NS = 100 * MS


class StolenTime:
    """Told of the beginning and the end of each turn. Times are the machine's."""

    def begin(self, child: Child) -> None:
        """It has been let run. As long as it was stopped it did not wait for the CPU in the system's eyes."""
        child.turn_ns, child.turn_cpu_ns = child.started_ns, child.started_cpu_ns
        if child.awoke:
            child.awoke = False
            child.queued_ns = run_queue_wait_ns(child.os_pid, child.threads)

    def end(self, child: Child, at_ns: int) -> int:
        """Its turn was over then: for how long somebody else had its CPU meanwhile."""
        if child.turn_ns is None:
            return 0
        stolen_ns = self._stolen_ns(child, at_ns)
        child.turn_ns = None
        return stolen_ns

    def end_piece(self, child: Child, now_ns: int) -> int:
        """The same of a turn that goes on, if there is a piece of it to account for."""
        if child.turn_ns is None or now_ns - child.turn_ns < _PIECE_NS:
            return 0
        stolen_ns = self._stolen_ns(child, now_ns)
        child.turn_ns, child.turn_cpu_ns = now_ns, child.cpu_ns()
        return stolen_ns

    @staticmethod
    def _stolen_ns(child: Child, at_ns: int) -> int:
        missing_ns = at_ns - (child.turn_ns or 0) - (child.cpu_ns() - child.turn_cpu_ns)
        if missing_ns < _MIN_STOLEN_NS:
            return 0
        before_ns, child.queued_ns = child.queued_ns, run_queue_wait_ns(child.os_pid, child.threads)
        if child.queued_ns is None or before_ns is None:
            return 0
        stolen_ns = min(missing_ns, child.queued_ns - before_ns)
        return stolen_ns if stolen_ns >= _MIN_STOLEN_NS else 0
