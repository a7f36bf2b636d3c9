"""The laws: each examines a run and returns the first event that violates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sandbox.analysis.conformance.trial import MIN_SLICE_NS, Candidate, Trial
from sandbox.analysis.conformance.verdicts import DETERMINISTIC, IDLE, LAWFUL, LOST, SLICES, STARVED, Violation
from sandbox.analysis.conformance.workloads import BOUND_NS, EXAMINED
from sandbox.model.events import (
    Admitted,
    Clause,
    Descheduled,
    Dispatched,
    Exited,
    Figure,
    PolicyNote,
    Ready,
    Scheduling,
)
from sandbox.model.spec import Scenario

Events = Sequence[Any]


class Scene:
    """The state of a run while its events are followed: which processes are on CPUs, and since when others are
    ready."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.running: dict[int, int] = {}
        self.ready: dict[int, int] = {}

    def follow(self, event: Any) -> None:
        """Take in the next event."""
        match event:
            case Admitted(pid=pid, name=name):
                self.names[pid] = name
            case Ready(pid=pid, t_ns=t_ns):
                self.ready[pid] = t_ns
            case Dispatched(pid=pid, cpu=cpu):
                del self.ready[pid]
                self.running[cpu] = pid
            case Descheduled(cpu=cpu):
                del self.running[cpu]
            case Exited(pid=pid):
                self.ready.pop(pid, None)


def instants(events: Events) -> Iterator[tuple[int, Scene, int]]:
    """Yield after each instant its time, the scene, and the time of the next instant. It is the same scene object each
    time."""
    scene = Scene()
    for index, event in enumerate(events):
        scene.follow(event)
        if index + 1 < len(events) and events[index + 1].t_ns > event.t_ns:
            yield event.t_ns, scene, events[index + 1].t_ns


def lost(world: Scenario, events: Events) -> Violation | None:
    """Every process that was ready runs again, until it ends."""
    scene = Scene()
    for event in events:
        scene.follow(event)
    for pid, since_ns in scene.ready.items():
        return Violation(Clause("lost", {"name": scene.names[pid], "since_ns": since_ns}), since_ns)
    return None


def idle(world: Scenario, events: Events) -> Violation | None:
    """No CPU is idle while a process is ready."""
    since_ns = _in_force_ns(world, events)
    for t_ns, scene, next_ns in instants(events):
        if t_ns >= since_ns and scene.ready and len(scene.running) < world.machine.cpus:
            cpu = next(cpu for cpu in range(world.machine.cpus) if cpu not in scene.running)
            names = ", ".join(scene.names[pid] for pid in scene.ready)
            return Violation(Clause("idle", {"cpu": cpu, "names": names, "for_ns": next_ns - t_ns}), t_ns)
    return None


def starved(world: Scenario, events: Events) -> Violation | None:
    """No process that is ready waits too long while others run."""
    for t_ns, scene, next_ns in instants(events):
        for pid, since_ns in scene.ready.items():
            if scene.running and next_ns - since_ns > BOUND_NS >= t_ns - since_ns:
                figures: dict[str, Figure] = {"name": scene.names[pid], "since_ns": since_ns, "bound_ns": BOUND_NS}
                return Violation(Clause("starved", figures), since_ns + BOUND_NS)
    return None


def slices(world: Scenario, events: Events) -> Violation | None:
    """Slices have reasonable lengths, and no process exceeds its own."""
    granted: dict[int, Dispatched] = {}
    names: dict[int, str] = {}
    fresh: set[int] = set()
    for event in events:
        match event:
            case Admitted(pid=pid, name=name):
                names[pid] = name
            case Ready(pid=pid, reason=reason):
                (fresh.add if reason == "admitted" else fresh.discard)(pid)  # else the slice may be the rest of one
            case Dispatched(pid=pid, slice_ns=slice_ns):
                granted[pid] = event
                if slice_ns is not None and slice_ns < MIN_SLICE_NS and pid in fresh:
                    return _slice("slice too short", event.t_ns, names[pid], slice_ns, MIN_SLICE_NS)
            case PolicyNote():
                granted.clear()  # its own action may have started new slices
            case Descheduled(pid=pid, t_ns=t_ns) if pid in granted:
                dispatched = granted.pop(pid)
                ran_ns, slice_ns = t_ns - dispatched.t_ns, dispatched.slice_ns
                if slice_ns is not None and ran_ns > slice_ns + world.machine.switch_cost_ns:
                    return _slice("ran beyond its slice", t_ns, names[pid], slice_ns, ran_ns)
    return None


def _slice(rule: str, t_ns: int, name: str, slice_ns: int, figure_ns: int) -> Violation:
    return Violation(Clause(rule, {"name": name, "slice_ns": slice_ns, "figure_ns": figure_ns}), t_ns)


#: The laws for which only the run is needed.
JUDGES: dict[str, Callable[[Scenario, Events], Violation | None]] = {
    LOST: lost,
    IDLE: idle,
    STARVED: starved,
    SLICES: slices,
}


def judge(law: str, candidate: Candidate, world: Scenario, trial: Trial) -> Violation | None:
    """Return how the run of this world violates a law; None if it does not."""
    if law == LAWFUL:
        return trial.failure
    if trial.failure is not None and law != SLICES:
        return None
    if law == DETERMINISTIC:
        return _differs(trial.events, candidate.again(world, trial))
    return JUDGES[law](world, trial.events)


def _differs(first: Events, second: Events) -> Violation | None:
    """The same workload leads to the same events."""
    if first == second:
        return None
    same = next((n for n, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), len(second) - 1)
    return Violation(Clause("two runs differ"), first[min(same, len(first) - 1)].t_ns)


def _in_force_ns(world: Scenario, events: Events) -> int:
    """Return since when the policy under examination decides."""
    if world.machine.policy == EXAMINED:
        return 0
    return next((event.t_ns for event in events if isinstance(event, Scheduling)), events[-1].t_ns)
