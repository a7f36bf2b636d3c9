"""Measures what this machine can do, with a few seconds of real runs. They are compared with the system's own records
if it keeps them, and with the same work scheduled by Linux."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import json
import math
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sandbox.analysis.measurement.verify import Verification
from sandbox.i18n import _
from sandbox.link.client import KernelProcess
from sandbox.model.events import Descheduled, Event
from sandbox.model.spec import Boot, MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.stats import distribution
from sandbox.util.units import MS, S
from sandbox.views.history import History
from sandbox.views.metrics import metrics

_QUANTA_NS = (1 * MS, 5 * MS, 20 * MS)
_MIXED_QUANTUM_NS = 10 * MS
_PATIENCE_S = 20.0
#: How long all of the loads below take together.
USUAL_NS = 15 * S

Progress = Callable[[str], None]


def steps(sensors: Sequence[str]) -> int:
    """Return the number of steps of the measurement."""
    return len(_QUANTA_NS) + len(sensors) + 1


def measure(sensors: Sequence[str], progress: Progress, for_ns: int = USUAL_NS) -> dict[str, Any]:
    """Return all figures as one document; times in ns. ``sensors``: the available ones; ``progress``: called with a
    description of each step; ``for_ns``: the approximate duration."""
    size = for_ns / USUAL_NS
    document: dict[str, Any] = {"quanta": [], "sensors": []}
    for quantum_ns in _QUANTA_NS:
        progress(_("four processes that compute, quantum {time} ms").format(time=quantum_ns // MS))
        document["quanta"].append({"quantum_ns": quantum_ns, **Run(hogs(quantum_ns, size), size=size).slices()})
    for sensor in sensors:
        progress(_("processes that compute little and wait much, sensor {sensor}").format(sensor=sensor))
        document["sensors"].append({"sensor": sensor, **Run(waiters(size), sensor, size).blocks()})
    progress(_("a mixed load, here and scheduled by Linux"))
    document["against_linux"] = _against_linux(size)
    return document


class Run:
    """A run on real processes, with the CPU time of the kernel process. ``size``: the factor of the load's length."""

    def __init__(self, scenario: Scenario, sensor: str = "auto", size: float = 1, recipe: str = "auto") -> None:
        self.history = History()
        self._verification = Verification()
        #: The CPU time of the kernel process and the machine's time, at the first and the last end of a slice.
        self._engine: list[tuple[int, int]] = []
        link = KernelProcess(Boot(scenario, sensor=sensor, recipe=recipe, verify=True))
        try:
            for event in link.events(_PATIENCE_S * max(size, 1)):
                self._take(event, link.os_pid)
        finally:
            link.end()

    def _take(self, event: Event, os_pid: int) -> None:
        from sandbox.machines.linux import procfs

        self.history.add(event)
        self._verification.add(event)
        if isinstance(event, Descheduled) and (used_ns := procfs.scheduled_ns(os_pid)) is not None:
            self._engine = [*self._engine[:1], (used_ns, event.t_ns)]

    @property
    def makespan_ns(self) -> int:
        return int(metrics(self.history)["makespan_ns"] or 0)

    def _engine_share(self) -> float | None:
        if len(self._engine) < 2:
            return None
        (first_cpu_ns, first_ns), (last_cpu_ns, last_ns) = self._engine
        return (last_cpu_ns - first_cpu_ns) / max(last_ns - first_ns, 1)

    def slices(self) -> dict[str, Any]:
        """Return the accuracy of slices: by the system's records, or else by our own accounts."""
        figures = self._verification.figures()
        witnessed = self._verification.witnessed
        return {
            "delivered": metrics(self.history)["cpu_utilisation"],
            "slice_error_ns": figures["slice_error"] if witnessed else distribution(self._booked_errors()),
            "dispatch_gap_ns": figures["dispatch_gap"] if witnessed else None,
            "engine_cpu": self._engine_share(),
        }

    def _booked_errors(self) -> Iterator[int]:
        """Yield the CPU time of each slice that was used up, less the granted time, in ns."""
        quantum_ns = self.history.booted.parameters["quantum_ns"] if self.history.booted else None
        for piece in self.history.slices:
            if piece.reason == "expired" and isinstance(quantum_ns, int):
                yield piece.cpu_ns - quantum_ns

    def blocks(self) -> dict[str, Any]:
        """Return the times from a block to the next dispatch; None without records of the system."""
        figures = self._verification.figures()
        return {
            "block_to_dispatch_ns": figures["block_to_dispatch"] if self._verification.witnessed else None,
            "undispatched_ns": figures["undispatched_ns"],
            "engine_cpu": self._engine_share(),
        }


def _against_linux(size: float) -> dict[str, Any]:
    load = mixed(size)
    ours_ns = Run(load, size=size).makespan_ns
    linux_ns = left_to_linux(load, size)
    return {"makespan_ns": ours_ns, "linux_makespan_ns": linux_ns, "ratio": ours_ns / linux_ns}


def left_to_linux(scenario: Scenario, size: float = 1) -> int:
    """Return how long the same synthetic work takes on the same CPU if Linux schedules it, in ns."""
    from sandbox.machines.linux import cpus

    loads = [[(segment.kind, segment.ns) for segment in process.segments] for process in scenario.processes]
    command = [sys.executable, "-P", "-m", "sandbox.programs.plain", str(cpus.assign_cpus(1).mini[0])]
    done = subprocess.run(
        command, input=json.dumps(loads), capture_output=True, text=True, timeout=_PATIENCE_S * max(size, 1), check=True
    )
    return int(done.stdout)


# The loads; ``size`` is a factor of their length


def _scenario(quantum_ns: int, *processes: ProcessSpec) -> Scenario:
    return Scenario("measure", "measure", MachineSpec(quantum_ns=quantum_ns), list(processes))


def _hog(name: str, cpu_ns: float) -> ProcessSpec:
    return ProcessSpec(name, work=[Segment("cpu", round(cpu_ns))])


def _by_turns(name: str, cpu_ns: int, io_ns: int, times: float) -> ProcessSpec:
    return ProcessSpec(name, work=[Segment("cpu", cpu_ns), Segment("io", io_ns)], repeat=math.ceil(times))


def hogs(quantum_ns: int, size: float = 1) -> Scenario:
    """Return four processes that only compute, for at least a few slices."""
    cpu_ns = max(250 * MS * size, 2.5 * quantum_ns)
    return _scenario(quantum_ns, *(_hog(f"hog-{number}", cpu_ns) for number in range(4)))


def waiters(size: float = 1) -> Scenario:
    """Return five processes that compute little and wait much, and one that only computes."""
    waiters = [_by_turns(f"io-{number}", 1 * MS, 15 * MS, 50 * size) for number in range(5)]
    return _scenario(_MIXED_QUANTUM_NS, *waiters, _hog("hog", 400 * MS * size))


def mixed(size: float = 1) -> Scenario:
    """Return two processes that only compute, and two that compute and wait alternately."""
    return _scenario(
        _MIXED_QUANTUM_NS,
        _hog("hog-1", 400 * MS * size),
        _hog("hog-2", 400 * MS * size),
        _by_turns("io-1", 5 * MS, 20 * MS, 20 * size),
        _by_turns("io-2", 10 * MS, 30 * MS, 12 * size),
    )
