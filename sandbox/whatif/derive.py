"""A recording → the load that it shows, as synthetic work for the virtual machine.

A burst is as long as its process had a CPU between two waits, as a scheduler sees it: what the system took from it
meanwhile included. Arrivals and waits are as they were, even where another policy would have had a hand in them: a
child is born when it was born, and who waited for another process waits as long.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sandbox.commands import Tune, UsePolicy
from sandbox.events import (
    Admitted,
    AnyEvent,
    Blocked,
    Booted,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Operator,
    Ready,
    Scheduling,
)
from sandbox.history import History
from sandbox.kinds import Refused
from sandbox.metrics import fold
from sandbox.spec import At, ProcessSpec, Scenario, Segment
from sandbox.trace.header import Header

#: Waits whose end is another process's doing.
_FOR_OTHERS = ("wait for child", "read pipe", "write pipe", "futex", "semaphore", "lock", "recv", "send", "accept")


class Load:
    """What a recording shows. ``scenario``: the load under the policy that was in force at first; ``script``: how that
    changed on the way; ``history``: the recording as a scheduler sees it, processes in order of birth; ``entangled``:
    who waited for others."""

    def __init__(self, header: Header, events: Iterable[AnyEvent]) -> None:
        """Read a recording. Raises Refused if no process is in it."""
        self.script: list[At] = []
        self.entangled: list[str] = []
        self.changed = False
        self._seen: list[Event] = []
        self._births: dict[int, Admitted] = {}
        self._work: dict[int, list[Segment]] = {}
        #: By pid: since when it is where it is, and how long it has had a CPU since it last waited, and in all.
        self._since_ns: dict[int, int] = {}
        self._burst_ns: dict[int, int] = {}
        self._had_ns: dict[int, int] = {}
        booted: Booted | None = None
        for event in events:
            if isinstance(event, Booted):
                booted = event
            self._seen += self._take(event)
        if booted is None or not self._births:
            raise Refused("nothing ran in it")
        for pid, burst_ns in self._burst_ns.items():  # those that had not ended
            self._work[pid].append(Segment("cpu", burst_ns))
        self.history: History = fold(self._seen)
        machine = msgspec.structs.replace(header.scenario.machine, cpus=booted.cpus, switch_cost_ns=0)
        processes = [self._process(pid, header.scenario.processes) for pid in self._births]
        self.scenario = Scenario(
            header.scenario.name, header.scenario.title, machine, processes, folder=header.scenario.folder
        )

    def _take(self, event: AnyEvent) -> list[Event]:
        """The event as a scheduler sees it; times on a CPU are noted."""
        match event:
            case Admitted(pid=pid):
                order = len(self._births)
                self._births[pid], self._work[pid] = event, []
                self._burst_ns[pid] = self._had_ns[pid] = 0
                return [msgspec.structs.replace(event, order=order)]
            case Ready(pid=pid, reason=reason):
                if reason == "woke":
                    self._work[pid].append(Segment("io", event.t_ns - self._since_ns[pid]))
            case Dispatched(pid=pid):
                self._since_ns[pid] = event.t_ns
            case Descheduled(pid=pid):
                had_ns = event.t_ns - self._since_ns[pid]
                self._burst_ns[pid] += had_ns
                self._had_ns[pid] += had_ns
                return [msgspec.structs.replace(event, ran_ns=had_ns, undispatched_ns=0)]
            case Blocked(pid=pid, on=on, again=again):
                if on.rule in _FOR_OTHERS and self._births[pid].name not in self.entangled:
                    self.entangled.append(self._births[pid].name)
                if not again:
                    self._since_ns[pid] = event.t_ns
                    self._work[pid].append(Segment("cpu", self._burst_ns[pid]))
                    self._burst_ns[pid] = 0
            case Exited(pid=pid):
                self._work[pid].append(Segment("cpu", self._burst_ns.pop(pid)))
                return [msgspec.structs.replace(event, cpu_ns=self._had_ns[pid], undispatched_ns=0)]
            case Operator(did=did):
                figures = {key: str(value) for key, value in did.figures.items()}
                if did.rule == "set":
                    self.script.append(At(event.t_ns, Tune(figures["parameter"], figures["value"])))
                elif did.rule == "policy":
                    self.script.append(At(event.t_ns, UsePolicy(figures["policy"])))
            case Scheduling():
                self.changed = True
        return [event]

    def _process(self, pid: int, specs: list[ProcessSpec]) -> ProcessSpec:
        """Its work, with the figures by which policies go."""
        birth = self._births[pid]
        work = self._work[pid] or [Segment("cpu", 0)]
        if birth.order is None or birth.order >= len(specs):
            return ProcessSpec(birth.name, birth.t_ns, work)
        spec = specs[birth.order]
        return ProcessSpec(
            birth.name,
            birth.t_ns,
            work,
            priority=spec.priority,
            nice=spec.nice,
            tickets=spec.tickets,
            deadline_ns=None if spec.period_ns else spec.deadline_ns,
        )


def same_again(load: Load) -> Scenario:
    """The load under the very policy that scheduled it, the operator's changes included: what comes of it shows how
    far the method can be trusted."""
    return msgspec.structs.replace(load.scenario, script=load.script)
