"""Reports that are only recorded: no scheduling decision depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from sandbox.kernel.journal import Journal
from sandbox.kernel.machine import Happened, Lived, Told
from sandbox.kernel.process import Process, Processes
from sandbox.model.events import Became, Ready
from sandbox.model.states import EXITED, READY


def record(happened: Happened, before_ns: int, processes: Processes, journal: Journal) -> Sequence[Lived]:
    """Record such reports of this instant. ``before_ns``: the previous instant. Returns the ``Lived`` reports."""
    for pid, stolen_ns in happened.stolen.items():
        processes[pid].stolen_ns += stolen_ns
    if lives := happened.all(Lived):
        _record_lives(lives, before_ns, happened.now_ns, processes, journal)
    for told in happened.all(Told):
        event = told.event
        if event.t_ns > happened.now_ns:  # found out while the machine gathered the reports of this instant
            event = msgspec.structs.replace(event, t_ns=happened.now_ns)
        journal.add(event)
        if isinstance(event, Became) and event.pid in processes:
            processes.rename(event.pid, event.name)
    return lives


def _record_lives(lives: Iterable[Lived], before_ns: int, now_ns: int, processes: Processes, journal: Journal) -> None:
    """Record processes that had exited before they could be scheduled, in the order of their births and exits, which
    lie between the previous instant and this one. All of their CPU time counts as undispatched."""
    moments: list[tuple[int, bool, Lived]] = []
    for lived in lives:
        born_ns = min(max(lived.born_ns, before_ns), now_ns)
        moments += [(born_ns, False, lived), (min(max(lived.ended_ns, born_ns), now_ns), True, lived)]
    for t_ns, over, lived in sorted(moments, key=lambda moment: moment[:2]):
        pid = lived.arrived.pid
        if over:
            process = processes[pid]
            process.use_undispatched(lived.ended.cpu_ns)
            process.enter(EXITED, t_ns)
            journal.exited(t_ns, process, lived.ended)
            continue
        process = Process(pid, lived.arrived.spec, t_ns, None, continued=True)
        processes.admit(process, lived.arrived.parent)
        journal.admitted(t_ns, lived.arrived)
        process.enter(READY, t_ns)
        journal.add(Ready(t_ns, pid, "admitted"))
