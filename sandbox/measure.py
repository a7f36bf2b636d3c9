"""What this machine can do: a few seconds of real runs, held against the system's own records where it keeps them,
and against the same work left to Linux."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.events import Descheduled, Event
from sandbox.history import History
from sandbox.link import KernelProcess
from sandbox.machines.linux.places import choose
from sandbox.metrics import distribution, metrics
from sandbox.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.units import MS
from sandbox.verify import Verification
from sandbox.wire import Boot

_QUANTA_NS = (1 * MS, 5 * MS, 20 * MS)
_MIXED_QUANTUM_NS = 10 * MS
_PATIENCE_S = 20.0

Progress = Callable[[str], None]


def measure(sensors: Iterable[str], progress: Progress) -> dict[str, Any]:
    """All figures as one document; times in ns. ``sensors``: the ones that this machine permits; ``progress`` is told
    what comes next."""
    document: dict[str, Any] = {"quanta": [], "sensors": []}
    for quantum_ns in _QUANTA_NS:
        progress(f"four processes that compute, quantum {quantum_ns // MS} ms")
        document["quanta"].append({"quantum_ns": quantum_ns, **Run(hogs(quantum_ns)).slices()})
    for sensor in sensors:
        progress(f"processes that compute a little and wait a lot, sensor {sensor}")
        document["sensors"].append({"sensor": sensor, **Run(waiters(), sensor).blocks()})
    progress("a mixed load, here and left to Linux")
    document["against_linux"] = _against_linux()
    return document


class Run:
    """One run on real processes, and what it used of the engine's own CPU."""

    def __init__(self, scenario: Scenario, sensor: str = "auto") -> None:
        self.history = History()
        self._verification = Verification()
        #: CPU time of the kernel process and the machine's time, at the first event that counts and at the last.
        self._engine: list[tuple[int, int]] = []
        link = KernelProcess(Boot(scenario, sensor=sensor, verify=True))
        try:
            for event in link.events(_PATIENCE_S):
                self._take(event, link.os_pid)
        finally:
            link.end()

    def _take(self, event: Event, os_pid: int) -> None:
        self.history.add(event)
        self._verification.add(event)
        if isinstance(event, Descheduled) and (used_ns := _cpu_ns(os_pid)) is not None:
            self._engine = [*self._engine[:1], (used_ns, event.t_ns)]

    @property
    def makespan_ns(self) -> int:
        return int(metrics(self.history)["makespan_ns"])

    def _engine_share(self) -> float | None:
        if len(self._engine) < 2:
            return None
        (first_cpu_ns, first_ns), (last_cpu_ns, last_ns) = self._engine
        return (last_cpu_ns - first_cpu_ns) / max(last_ns - first_ns, 1)

    def slices(self) -> dict[str, Any]:
        """How true the slices were; without records, what our own books say."""
        figures = self._verification.figures()
        witnessed = self._verification.witnessed
        return {
            "delivered": metrics(self.history)["cpu_utilisation"],
            "slice_error_ns": figures["slice_error"] if witnessed else distribution(self._booked_errors()),
            "dispatch_gap_ns": figures["dispatch_gap"] if witnessed else None,
            "engine_cpu": self._engine_share(),
        }

    def _booked_errors(self) -> Iterator[int]:
        """Of each slice that was used up: the CPU time that it took, less what was granted."""
        quantum_ns = self.history.booted.parameters["quantum_ns"] if self.history.booted else None
        for piece in self.history.slices:
            if piece.reason == "expired" and isinstance(quantum_ns, int):
                yield piece.cpu_ns - quantum_ns

    def blocks(self) -> dict[str, Any]:
        """From a block to the next dispatch; only records tell."""
        figures = self._verification.figures()
        return {
            "block_to_dispatch_ns": figures["block_to_dispatch"] if self._verification.witnessed else None,
            "undispatched_ns": figures["undispatched_ns"],
            "engine_cpu": self._engine_share(),
        }


def _against_linux() -> dict[str, Any]:
    ours_ns = Run(mixed()).makespan_ns
    linux_ns = left_to_linux(mixed())
    return {"makespan_ns": ours_ns, "linux_makespan_ns": linux_ns, "ratio": ours_ns / linux_ns}


def left_to_linux(scenario: Scenario) -> int:
    """For how many ns the same synthetic work runs on the same CPU without us."""
    loads = [[(segment.kind, segment.ns) for segment in process.segments] for process in scenario.processes]
    command = [sys.executable, "-P", "-m", "sandbox.programs.plain", str(choose(1).mini[0])]
    done = subprocess.run(
        command, input=json.dumps(loads), capture_output=True, text=True, timeout=_PATIENCE_S, check=True
    )
    return int(done.stdout)


def _cpu_ns(os_pid: int) -> int | None:
    """CPU time of a process by ``/proc/PID/schedstat``; None once it is gone, or where there is no such file."""
    try:
        with open(f"/proc/{os_pid}/schedstat") as file:
            return int(file.read().split()[0])
    except (OSError, IndexError, ValueError):
        return None


# The loads


def _scenario(quantum_ns: int, *processes: ProcessSpec) -> Scenario:
    return Scenario("measure", "measure", MachineSpec(quantum_ns=quantum_ns), list(processes))


def _work(name: str, *segments: tuple[str, int], repeat: int = 1) -> ProcessSpec:
    return ProcessSpec(name, work=[Segment(kind, ns) for kind, ns in segments], repeat=repeat)  # type: ignore[arg-type]


def hogs(quantum_ns: int) -> Scenario:
    """Four processes that only compute."""
    return _scenario(quantum_ns, *(_work(f"hog-{number}", ("cpu", 250 * MS)) for number in range(4)))


def waiters() -> Scenario:
    """Five processes that compute a little and wait a lot, and one that only computes."""
    waiters = [_work(f"io-{number}", ("cpu", 1 * MS), ("io", 15 * MS), repeat=50) for number in range(5)]
    return _scenario(_MIXED_QUANTUM_NS, *waiters, _work("hog", ("cpu", 400 * MS)))


def mixed() -> Scenario:
    """Two that only compute, two that compute and wait by turns."""
    return _scenario(
        _MIXED_QUANTUM_NS,
        _work("hog-1", ("cpu", 400 * MS)),
        _work("hog-2", ("cpu", 400 * MS)),
        _work("io-1", ("cpu", 5 * MS), ("io", 20 * MS), repeat=20),
        _work("io-2", ("cpu", 10 * MS), ("io", 30 * MS), repeat=12),
    )
