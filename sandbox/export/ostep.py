"""Export of the command line with which OSTEP's simulators, scheduler.py and mlfq.py, run the same load."""

from __future__ import annotations

from math import gcd
from typing import Any, TextIO

from sandbox.export.material import Material
from sandbox.i18n import _
from sandbox.model.events import Did, Operator, Scheduling
from sandbox.model.spec import ProcessSpec
from sandbox.model.values import BadValue
from sandbox.util.units import show_duration

_SCHEDULER = {"fcfs": "FIFO", "sjf": "SJF", "rr": "RR"}


def write(material: Material, file: TextIO) -> None:
    """Write the command, and the length of one of its ticks. Raises BadValue if the simulators cannot express the
    load."""
    command, tick_ns = _command(material)
    said = _("one tick is {time}; jobs are numbered in the order of the scenario").format(time=show_duration(tick_ns))
    file.write(f"# {said}\n{command}\n")


def _command(material: Material) -> tuple[str, int]:
    policy, figures = material.booted.policy, material.booted.parameters
    processes = material.header.scenario.processes
    if not processes or any(process.work is None or process.period_ns for process in processes):
        raise BadValue("ostep needs work")
    if material.booted.cpus > 1:
        raise BadValue("ostep has one cpu")
    if any(isinstance(event, Scheduling) for event in material.others):
        raise BadValue("ostep changes no policy")
    spawned = any(life.admitted.order is None for life in material.history.lives.values())
    if spawned or any(isinstance(event, Operator) and event.did.rule == Did.KILLED for event in material.others):
        raise BadValue("ostep has no operator")
    if policy in _SCHEDULER:
        return _scheduler(policy, figures, processes)
    if policy == "mlfq":
        return _mlfq(figures, processes)
    raise BadValue("ostep has no such policy", value=policy)


def _scheduler(policy: str, figures: dict[str, Any], processes: list[ProcessSpec]) -> tuple[str, int]:
    """Return the command of scheduler.py and the tick in ns. Its jobs all arrive at once, only compute, and have known
    lengths."""
    if any(process.arrive_ns or [segment.kind for segment in process.segments] != ["cpu"] for process in processes):
        raise BadValue("ostep scheduler needs bursts")
    if figures.get("knows") == "estimate":
        raise BadValue("ostep scheduler knows bursts")
    lengths = [process.demand_ns or 0 for process in processes]
    quantum_ns = figures["quantum_ns"] if policy == "rr" else 0
    tick_ns = gcd(*lengths, quantum_ns) or 1
    quantum = f" -q {quantum_ns // tick_ns}" if quantum_ns else ""
    jobs = ",".join(str(length // tick_ns) for length in lengths)
    return f"python3 scheduler.py -p {_SCHEDULER[policy]}{quantum} -l {jobs} -c", tick_ns


def _mlfq(figures: dict[str, Any], processes: list[ProcessSpec]) -> tuple[str, int]:
    """Return the command of mlfq.py and the tick in ns. Its jobs may wait at regular intervals of CPU time, all of them
    equally long."""
    jobs = [_job(process) for process in processes]
    waits_ns = {wait_ns for *_, wait_ns in jobs if wait_ns}
    if len(waits_ns) > 1:
        raise BadValue("ostep has one wait")
    io_ns = waits_ns.pop() if waits_ns else 0
    quanta_ns, boost_ns = figures["quanta_ns"], figures["boost_ns"]
    tick_ns = gcd(*(ns for job in jobs for ns in job), *quanta_ns, boost_ns) or 1
    allotments = [*figures["allotments"], *figures["allotments"][-1:] * len(quanta_ns)][: len(quanta_ns)]
    words = [
        "python3 mlfq.py",
        f"-Q {','.join(str(ns // tick_ns) for ns in quanta_ns)}",
        f"-A {','.join(map(str, allotments))}",
        f"-i {max(io_ns // tick_ns, 1)}",
        f"-B {boost_ns // tick_ns}" if boost_ns else "",
        "-S" if figures["stay"] else "",
        "-I" if figures["io_bump"] else "",
        f"-l {':'.join(','.join(str(ns // tick_ns) for ns in job[:3]) for job in jobs)} -c",
    ]
    return " ".join(filter(None, words)), tick_ns


def _job(process: ProcessSpec) -> tuple[int, int, int, int]:
    """Return a job's arrival, CPU time, the CPU time between two of its waits (0: it never waits), and the length of a
    wait, all in ns."""
    bursts, waits = process.segments[::2], process.segments[1::2]
    last_ns = bursts[-1].ns
    regular = (
        bursts[0].kind == "cpu"
        and len(bursts) == len(waits) + 1  # the simulator's jobs end with a burst
        and len({burst.ns for burst in bursts[:-1]}) <= 1
        and len({wait.ns for wait in waits}) <= 1
        and 0 < last_ns <= bursts[0].ns
    )
    if not regular:
        raise BadValue("ostep needs regular waits", value=process.name)
    every_ns = bursts[0].ns if waits else 0
    return process.arrive_ns, process.demand_ns or 0, every_ns, waits[0].ns if waits else 0
