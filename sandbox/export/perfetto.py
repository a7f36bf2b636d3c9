"""Export to Chrome's trace format for ui.perfetto.dev and chrome://tracing: a track for each CPU and each process,
arrows from wakeups to turns, and counters of ready and blocked processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any, TextIO

from sandbox import wording
from sandbox.export.material import Material, Stretch
from sandbox.model.events import PolicyNote
from sandbox.model.states import State
from sandbox.util.units import US

#: The two groups of tracks; the format calls them processes.
_CPUS, _PROCESSES = 1, 2
Record = dict[str, Any]


def write(material: Material, file: TextIO) -> None:
    """Write the trace as one JSON object; the format's times are in microseconds."""
    header = material.header
    about = {"recorded by": f"ossandbox {header.version}", "scenario": material.booted.scenario, **header.machine}
    file.write('{"displayTimeUnit": "ns", "otherData": ')
    json.dump({key: str(value) for key, value in about.items()}, file)
    file.write(', "traceEvents": [\n')
    for number, record in enumerate(_records(material)):
        file.write(",\n" if number else "")
        json.dump(record, file, ensure_ascii=False)
    file.write("\n]}\n")


def _records(material: Material) -> Iterator[Record]:
    yield from _tracks(material)
    arrows = count(1)
    waits: dict[int, int] = {}  # the end of each process's last wait, by pid
    for each in sorted(material.stretches, key=lambda stretch: stretch.start_ns):
        if each.end_ns > each.start_ns:
            yield from _slices(material, each)
            if each.state is State.BLOCKED:
                waits[each.pid] = each.end_ns
            elif each.state is State.RUNNING and each.woke and each.pid in waits:
                yield from _arrow(each, waits.pop(each.pid), next(arrows))
    yield from _counters(material)
    for event in material.others:
        said = wording.sentence(event, material.names)
        track = {"pid": _PROCESSES, "tid": event.pid} if isinstance(event, PolicyNote) and event.pid else {}
        where = track or {"pid": _CPUS, "tid": 0}
        yield {"ph": "i", "s": "t" if track else "g", "ts": event.t_ns / US, "name": said, "cat": "note", **where}


def _tracks(material: Material) -> Iterator[Record]:
    for group, name in ((_CPUS, "CPUs"), (_PROCESSES, "processes")):
        yield _named("process_name", group, 0, name=name)
        yield _named("process_sort_index", group, 0, sort_index=group)
    for cpu in range(material.booted.cpus):
        yield _named("thread_name", _CPUS, cpu, name=f"cpu{cpu}")
    for pid, name in material.names.items():
        yield _named("thread_name", _PROCESSES, pid, name=name)
        yield _named("thread_sort_index", _PROCESSES, pid, sort_index=pid)


def _named(what: str, group: int, track: int, **is_: str | int) -> Record:
    return {"ph": "M", "name": what, "pid": group, "tid": track, "args": is_}


def _slices(material: Material, each: Stretch) -> Iterator[Record]:
    """Yield a stretch for the track of its process, and for that of its CPU if it has one."""
    why = wording.stretch(each.state.name, each.why)
    lasts = {"ph": "X", "ts": each.start_ns / US, "dur": (each.end_ns - each.start_ns) / US}
    figures = {"why": why, "cpu time in ns": each.cpu_ns} if each.state is State.RUNNING else {"why": why}
    yield {
        **lasts, "name": each.state.name, "cat": "state", "pid": _PROCESSES, "tid": each.pid, "args": figures,
    }  # fmt: skip
    if each.cpu is not None:
        name = material.name(each.pid)
        yield {
            **lasts, "name": name, "cat": "cpu", "pid": _CPUS, "tid": each.cpu, "args": {"pid": each.pid, **figures},
        }  # fmt: skip


def _arrow(running: Stretch, woke_ns: int, number: int) -> Iterator[Record]:
    """Yield an arrow from the end of a wait to the turn that followed."""
    flow = {"name": "wakes", "cat": "wake", "id": number}
    yield {**flow, "ph": "s", "ts": (woke_ns - 1) / US, "pid": _PROCESSES, "tid": running.pid}
    yield {**flow, "ph": "f", "bp": "e", "ts": running.start_ns / US, "pid": _CPUS, "tid": running.cpu}


def _counters(material: Material) -> Iterator[Record]:
    """Yield the numbers of ready and of blocked processes at each change."""
    for state, name in ((State.READY, "ready"), (State.BLOCKED, "blocked")):
        changes: dict[int, int] = {0: 0}
        for each in material.stretches:
            if each.state is state:
                changes[each.start_ns] = changes.get(each.start_ns, 0) + 1
                changes[each.end_ns] = changes.get(each.end_ns, 0) - 1
        number = 0
        for t_ns in sorted(changes):
            number += changes[t_ns]
            if changes[t_ns] or t_ns == 0:
                yield {"ph": "C", "name": name, "pid": _CPUS, "tid": 0, "ts": t_ns / US, "args": {name: number}}
