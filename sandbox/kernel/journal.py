"""The events of one instant, which later reports of the same instant may still amend."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from sandbox.kernel.machine import Arrived, Ended
from sandbox.kernel.process import Process
from sandbox.model.events import (
    Admitted,
    Blocked,
    Clause,
    Descheduled,
    DescheduledReason,
    Event,
    Exited,
    Figure,
    Operator,
)


class Journal:
    """The events in their order, and the positions of those by which processes left a CPU or blocked.

    A machine may learn the exact CPU time of a process, or the reason of its wait, only after it has dispatched the
    next one. The event has been written by then, and is amended before it is emitted.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.add = self._events.append
        self._descheduled: dict[int, int] = {}
        self._blocked: dict[int, int] = {}

    @property
    def events(self) -> list[Event]:
        """The events of this instant so far."""
        return self._events

    def take(self) -> list[Event]:
        """Return the events of this instant, and begin the next one."""
        self._descheduled.clear()
        self._blocked.clear()
        events, self._events = self._events, []
        self.add = self._events.append
        return events

    def admitted(self, t_ns: int, arrived: Arrived) -> None:
        """Record that a process is admitted."""
        spec = arrived.spec
        self.add(
            Admitted(
                t_ns=t_ns,
                pid=arrived.pid,
                name=spec.name,
                runs=spec.runs,
                os_pid=arrived.os_pid,
                parent=arrived.parent,
                order=arrived.order,
                demand_ns=spec.demand_ns,
            )
        )

    def exited(self, t_ns: int, process: Process, ended: Ended) -> None:
        """Record that a process has exited, with its totals."""
        self.add(
            Exited(
                t_ns=t_ns,
                pid=process.pid,
                code=ended.code,
                signal=ended.signal,
                cpu_ns=process.cpu_ns,
                waiting_ns=process.waiting_ns,
                blocked_ns=process.blocked_ns,
                undispatched_ns=process.undispatched_ns,
            )
        )

    def operator(self, t_ns: int, did: str, **figures: Figure) -> None:
        """Record an action of the operator."""
        self.add(Operator(t_ns, Clause(did, figures)))

    def descheduled(self, t_ns: int, process: Process, cpu: int, reason: DescheduledReason) -> None:
        """Record that a process leaves a CPU, with its CPU time as far as it is known."""
        self._descheduled[process.pid] = len(self._events)
        stray_ns, process.stray_ns = process.stray_ns, 0
        stolen_ns, process.stolen_ns = process.stolen_ns, 0
        self.add(Descheduled(t_ns, process.pid, cpu, process.report(process.cpu_ns), reason, stray_ns, stolen_ns))

    def blocked(self, t_ns: int, process: Process, on: Clause) -> None:
        """Record that a process blocks."""
        self._blocked[process.pid] = len(self._events)
        self.add(Blocked(t_ns, process.pid, on))

    def amend_cpu(self, process: Process, cpu_ns: int, late_ns: int = 0) -> bool:
        """Set the CPU time of a process that has left its CPU at this instant; it has used ``late_ns`` of it
        afterwards. Returns False if there is no such event."""
        index = self._descheduled.get(process.pid)
        if index is None:
            return False
        event = self._events[index]
        assert isinstance(event, Descheduled)
        process.reported_ns -= event.ran_ns
        ran_ns, stray_ns = process.report(cpu_ns), event.undispatched_ns + late_ns
        self._events[index] = replace(event, ran_ns=ran_ns, undispatched_ns=stray_ns)
        return True

    def amend_stolen(self, processes: Mapping[int, Process], stolen: Mapping[int, int]) -> None:
        """Add, by pid, for how long processes that are not ours had the CPU of one that left it at this instant. For a
        process that is still on its CPU, the time is kept until it leaves."""
        for pid, stolen_ns in stolen.items():
            if not stolen_ns:
                continue
            event = self._events[self._descheduled[pid]] if pid in self._descheduled else None
            if isinstance(event, Descheduled):
                self._events[self._descheduled[pid]] = replace(event, stolen_ns=event.stolen_ns + stolen_ns)
            else:
                processes[pid].stolen_ns += stolen_ns

    def amend_wait(self, pid: int, on: Clause) -> None:
        """Set the reason of a wait that has begun at this instant; ignored if there is none."""
        index = self._blocked.get(pid)
        if index is not None:
            self._events[index] = Blocked(self._events[index].t_ns, pid, on)
