"""Processes that nobody could schedule, because each was over when it was heard of."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.kernel.journal import Journal
from sandbox.kernel.machine import Lived
from sandbox.kernel.process import Process
from sandbox.model.events import Ready
from sandbox.model.states import State


def record_lives(
    lives: Iterable[Lived], processes: dict[int, Process], journal: Journal, before_ns: int, now_ns: int
) -> None:
    """Put them on record in the order of their births and ends, which lie between the last instant and this one. What
    they have used, they used without being dispatched."""
    moments: list[tuple[int, bool, Lived]] = []
    for lived in lives:
        born_ns = min(max(lived.born_ns, before_ns), now_ns)
        moments += [(born_ns, False, lived), (min(max(lived.ended_ns, born_ns), now_ns), True, lived)]
    for t_ns, over, lived in sorted(moments, key=lambda moment: moment[:2]):
        pid = lived.arrived.pid
        if over:
            process = processes[pid]
            process.use_undispatched(lived.ended.cpu_ns)
            process.enter(State.EXITED, t_ns)
            journal.exited(t_ns, process, lived.ended)
            continue
        process = processes[pid] = Process(pid, lived.arrived.spec, t_ns, None, continued=True)
        journal.admitted(t_ns, lived.arrived)
        process.enter(State.READY, t_ns)
        journal.add(Ready(t_ns, pid, "admitted"))
