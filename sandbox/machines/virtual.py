"""The virtual machine: a heap of future events, and a number for the time. It is exact and deterministic.

Synthetic work runs as declared. Real programs cannot run here; one with an ``estimate`` is simulated by a single CPU
burst of that length.

Waits need no CPU, as in textbooks: a process whose work begins with a wait is BLOCKED from its arrival, and one whose
work ends with a wait exits with the end of the wait. A real process needs the CPU to begin a wait, and to exit after
it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import count, islice
from typing import Literal

from sandbox.kernel.machine import (
    NOTHING,
    Arrived,
    Asked,
    Carry,
    Ended,
    Freeze,
    Happened,
    Obeyed,
    Order,
    Report,
    Run,
    Started,
    Stop,
    Told,
    Waits,
    Woke,
    Yielded,
)
from sandbox.model.commands import Kill, Quit
from sandbox.model.events import Clause, Event, Fault
from sandbox.model.spec import At, ProcessSpec, Scenario, Segment, brings_more, ends_pauses

KILLED = 15
#: How many segments of work are unrolled at a time, and the least number that must be: a wait, a burst, another wait.
_AHEAD, _MIN_AHEAD = 64, 4


class VirtualProcess:
    """Synthetic work in progress. ``left_ns``: the rest of the current CPU burst."""

    __slots__ = ("arrived_ns", "cpu", "cpu_ns", "left_ns", "pid", "rest", "segments", "since_ns")

    def __init__(self, pid: int, spec: ProcessSpec, now_ns: int) -> None:
        self.pid = pid
        self.arrived_ns = now_ns
        #: The remaining work: the next few segments, and an iterator over the others.
        self.rest = iter(spec.segments or [Segment("cpu", spec.estimate_ns or 0)])
        self.segments = deque(islice(self.rest, _AHEAD))
        self.cpu_ns = 0
        self.left_ns = 0
        #: The CPU that it is on, and when its first instruction there runs, after the switch.
        self.cpu: int | None = None
        self.since_ns = 0

    def look_ahead(self) -> None:
        """Unroll more segments."""
        self.segments.extend(islice(self.rest, _AHEAD))

    def begin_burst(self) -> bool:
        """Begin the next CPU burst; False if a wait comes first, or the work is done."""
        if self.segments and self.segments[0].kind == "cpu":
            self.left_ns = self.segments.popleft().ns
            return True
        return False

    def is_late(self, now_ns: int) -> bool:
        """Whether its next job is released already, and begins with a CPU burst."""
        if len(self.segments) < 2 or self.segments[0].kind != "until" or self.segments[1].kind != "cpu":
            return False
        return self.arrived_ns + self.segments[0].ns <= now_ns

    def begin_wait(self, now_ns: int) -> tuple[int, Clause]:
        """Begin the next wait. Returns its length (0: it is over at once) and its reason."""
        segment = self.segments.popleft()
        if len(self.segments) < _MIN_AHEAD:
            self.look_ahead()
        if segment.kind == "io":
            return segment.ns, Clause("sleep", {"for_ns": segment.ns})
        for_ns = max(self.arrived_ns + segment.ns - now_ns, 0)
        return for_ns, Clause("next job", {"for_ns": for_ns})

    def run_until(self, now_ns: int) -> None:
        """Account for the CPU time used up to now."""
        ran_ns = now_ns - self.since_ns
        if ran_ns > 0:
            self.cpu_ns += ran_ns
            self.left_ns -= ran_ns
            self.since_ns = now_ns


class VirtualMachine:
    """Carries out orders at once, or after ``switch_cost_ns`` if a CPU gets another process than the one it had
    last."""

    kind: Literal["virtual"] = "virtual"
    sensor = None
    recipe = None

    def __init__(self, scenario: Scenario) -> None:
        self._switch_cost_ns = scenario.machine.switch_cost_ns
        self._now_ns = 0
        self._frozen = False
        self._pids = count(1)
        arrivals = sorted(enumerate(scenario.processes), key=lambda pair: pair[1].arrive_ns)
        self._arrivals: deque[tuple[int, ProcessSpec]] = deque(arrivals)
        self._script: deque[At] = deque(sorted(scenario.script, key=lambda at: at.time_ns))
        #: For how long the machine was paused, by which the operator's watch is ahead of its clock.
        self._paused_ns = 0
        self._wakes: list[tuple[int, int]] = []
        self._processes: dict[int, VirtualProcess] = {}
        self._running: dict[int, VirtualProcess] = {}  # by CPU
        #: The process that each CPU had last: to go on with it is no switch.
        self._last_on: dict[int, int] = {}
        self._told: list[Report] = []

    @property
    def expects(self) -> bool:
        """Whether an arrival or a scripted command is still to come."""
        return bool(self._arrivals or brings_more(self._script) or self._told)

    @property
    def now_ns(self) -> int:
        return self._now_ns

    @property
    def frozen(self) -> bool:
        """Whether it is paused."""
        return self._frozen

    def start(self) -> None:
        """Do nothing: a virtual machine is always ready."""

    def wait(self, deadline_ns: int | None) -> Happened:
        """Advance the time to the next instant at which something happens."""
        if self._frozen:
            return self._wait_frozen()
        now_ns = self.next_instant(deadline_ns)
        if now_ns is None:
            return self._stuck()
        self._now_ns = now_ns
        reports, self._told = self._told, []
        used = {}
        finished: list[int] = []
        for cpu, process in self._running.items():
            process.run_until(now_ns)
            used[process.pid] = process.cpu_ns
            if process.left_ns == 0 and process.since_ns <= now_ns:
                finished.append(cpu)
        if finished:
            reports += [self._end_burst(self._leave(cpu)) for cpu in sorted(finished)]
        while self._wakes and self._wakes[0][0] == now_ns:
            sleeper = self._processes.get(heapq.heappop(self._wakes)[1])
            if sleeper is not None:  # else it was killed during its wait
                reports += self._end_wait(sleeper)
        while self._arrivals and self._arrivals[0][1].arrive_ns <= now_ns:
            reports.append(self._arrive(*self._arrivals.popleft()))
        while self._script and self._script[0].time_ns <= now_ns + self._paused_ns:
            reports.append(Asked(self._script.popleft().do))
        return Happened(now_ns, reports, used)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders at this instant."""
        started: dict[int, Started] = {}
        for order in orders:
            if isinstance(order, Stop):
                if (process := self._processes.get(order.pid)) is not None:
                    self._take_off(process)
            elif isinstance(order, Run):
                self._run(order, started)
            elif isinstance(order, Carry):
                self._carry(order)
            else:
                self._frozen = isinstance(order, Freeze)
        return Obeyed(started, {}, {}) if started else NOTHING

    def _run(self, order: Run, started: dict[int, Started]) -> None:
        process = self._processes.get(order.pid)
        if process is not None:  # else it was killed at the same instant
            if process.cpu is not None:
                self._take_off(process)  # it moves from another CPU
            if order.cpu in self._running:
                self._take_off(self._running[order.cpu])
            process.since_ns = self._now_ns
            process.cpu = order.cpu
            self._running[order.cpu] = process
            if self._switch_cost_ns and self._last_on.get(order.cpu) != order.pid:
                self._last_on[order.cpu] = order.pid
                process.since_ns += self._switch_cost_ns
                started[order.pid] = Started(process.since_ns, process.cpu_ns)

    def _carry(self, order: Carry) -> None:
        if isinstance(order.command, Kill):
            if (process := self._processes.get(order.pid or 0)) is not None:
                self._kill(process)
        else:
            did = Clause("only on real processes", {"command": type(order.command).__name__.lower()})
            self._told.append(Told(Fault(self._now_ns, did)))

    def halt(self) -> list[Event]:
        """Do nothing: a virtual run leaves nothing behind."""
        return []

    def next_instant(self, deadline_ns: int | None) -> int | None:
        """Return when something happens next, at most ``deadline_ns``; None: nothing will happen by itself. In a pause,
        return when the script continues, if it does."""
        now_ns = self._now_ns
        if self._frozen:
            if self._told:
                return now_ns
            return max(self._script[0].time_ns - self._paused_ns, now_ns) if ends_pauses(self._script) else None
        if self._told:
            return now_ns
        next_ns = deadline_ns
        for process in self._running.values():
            end_ns = process.since_ns + process.left_ns
            if next_ns is None or end_ns < next_ns:
                next_ns = end_ns
        if not (self._wakes or self._arrivals or self._script):
            return next_ns
        while self._wakes and self._wakes[0][1] not in self._processes:
            heapq.heappop(self._wakes)  # it was killed during its wait
        later = [] if next_ns is None else [next_ns]
        if self._wakes:
            later.append(self._wakes[0][0])
        if self._arrivals:
            later.append(max(self._arrivals[0][1].arrive_ns, now_ns))
        if self._script:
            later.append(max(self._script[0].time_ns - self._paused_ns, now_ns))
        return min(later, default=None)

    def _wait_frozen(self) -> Happened:
        """Return the next scripted command while paused: only the operator's watch continues."""
        reports, self._told = self._told, []
        if not reports and self._script:
            at = self._script.popleft()
            self._paused_ns = max(self._paused_ns, at.time_ns - self._now_ns)
            reports.append(Asked(at.do))
        return Happened(self._now_ns, reports, {}) if reports else self._stuck()

    def _stuck(self) -> Happened:
        """End the run with a fault, because nothing can happen any more."""
        fault = Fault(self._now_ns, Clause("nothing can happen any more"))
        return Happened(self._now_ns, [Told(fault), Asked(Quit())], {})

    def _arrive(self, order: int, spec: ProcessSpec) -> Arrived:
        pid = next(self._pids)
        process = self._processes[pid] = VirtualProcess(pid, spec, self._now_ns)
        if process.begin_burst():
            return Arrived(pid, spec, order)
        return Arrived(pid, spec, order, waits_on=self._begin_wait(process))

    def _begin_wait(self, process: VirtualProcess) -> Clause:
        for_ns, on = process.begin_wait(self._now_ns)
        heapq.heappush(self._wakes, (self._now_ns + for_ns, process.pid))
        return on

    def _end_burst(self, process: VirtualProcess) -> Report:
        if not process.segments:
            return self._end(process)
        if process.is_late(self._now_ns):
            process.segments.popleft()
            process.begin_burst()
            process.look_ahead()
            return Yielded(process.pid)
        return Waits(process.pid, self._begin_wait(process))

    def _end_wait(self, process: VirtualProcess) -> Iterator[Report]:
        """Report the end of a wait: the process wakes up, begins another wait, or exits."""
        if process.begin_burst():
            yield Woke(process.pid)
        elif process.segments:
            yield Waits(process.pid, self._begin_wait(process))
        else:
            yield self._end(process)

    def _end(self, process: VirtualProcess) -> Ended:
        del self._processes[process.pid]
        return Ended(process.pid, process.cpu_ns, 0, None)

    def _kill(self, process: VirtualProcess) -> None:
        self._take_off(process)
        del self._processes[process.pid]
        self._told.append(Ended(process.pid, process.cpu_ns, None, KILLED))

    def _take_off(self, process: VirtualProcess) -> None:
        cpu = process.cpu
        if cpu is not None:
            if process.since_ns < self._now_ns:
                process.run_until(self._now_ns)
            del self._running[cpu]
            process.cpu = None

    def _leave(self, cpu: int) -> VirtualProcess:
        process = self._running.pop(cpu)
        process.cpu = None
        return process
