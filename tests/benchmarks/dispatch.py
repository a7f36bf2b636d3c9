"""The dispatcher beside the plain recipe: a bare loop that stops one, waits for the stop, and continues the next.

A slice error is how far a slice was from the quantum, over or under it. Another bare loop makes the dispatcher's system
calls, and nothing else: it bounds what can be reached with these calls. Where processes can be frozen instead, that is
measured beside signals.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sandbox.analysis.measurement.measure import Run, hogs
from sandbox.machines.linux.capabilities import freezer_obstacle
from sandbox.machines.linux.perf_events import Ring
from sandbox.machines.linux.process.child import cpu_clock
from sandbox.util import libc
from sandbox.util.stats import distribution
from sandbox.util.units import MS, US, S
from tests.benchmarks.bare import standing
from tests.benchmarks.figures import Beside, Better, CannotMeasure, Figure, figure

ROUNDS = 3
QUANTA_NS = (1 * MS, 5 * MS, 20 * MS)
#: As the dispatcher sleeps: longer ones than this in two parts, the first of which ends so much early; then the last
#: part of the wait is a busy one.
_LONG_NS, _NEAR_NS, _EARLY_NS = 2 * MS, 300 * US, 60 * US


def ours(quantum_ns: int, recipe: str = "auto") -> dict[str, Any]:
    """Gap, slice error, CPU delivered and the engine's own share."""
    return Run(hogs(quantum_ns), recipe=recipe).slices()


def plain(quantum_ns: int) -> dict[str, Any]:
    """The same of the bare loop, on the same CPUs."""
    return _bare(quantum_ns, _take_turns)


def calls_only(quantum_ns: int) -> dict[str, Any]:
    """The same of the loop that makes the dispatcher's system calls."""
    return _bare(quantum_ns, _take_turns_as_we_do)


def _bare(quantum_ns: int, take_turns: Callable[[list[int], int, int, Ring], list[Any]]) -> dict[str, Any]:
    with standing([_spin] * 4) as (children, ring):
        ring.read()
        began_ns, began_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        records = take_turns(children, quantum_ns, 1_000 * MS // quantum_ns, ring)
        took_ns, cpu_ns = time.monotonic_ns() - began_ns, time.process_time_ns() - began_cpu_ns
        used_ns = sum(time.clock_gettime_ns(cpu_clock(child)) for child in children)
    return {**_figures(records, quantum_ns), "delivered": used_ns / took_ns, "engine_cpu": cpu_ns / took_ns}


def _spin() -> None:
    while True:
        pass


def _take_turns(children: list[int], quantum_ns: int, turns: int, ring: Ring) -> list[Any]:
    records = []
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)
    gc.disable()
    os.kill(children[0], signal.SIGCONT)
    for turn in range(turns):
        time.sleep(quantum_ns / S)
        child = children[turn % len(children)]
        os.kill(child, signal.SIGSTOP)
        while os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG) is None:
            pass
        os.kill(children[(turn + 1) % len(children)], signal.SIGCONT)
        records += ring.read()
    gc.enable()
    return records


def _take_turns_as_we_do(children: list[int], quantum_ns: int, turns: int, ring: Ring) -> list[Any]:
    """A sleep that ends early, a short one, a busy wait; accounts, signals and affinity; the stop; the records."""
    records = []
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)
    pidfds, clocks = [os.pidfd_open(child) for child in children], [cpu_clock(child) for child in children]
    epoll, now, account = select.epoll(), time.monotonic_ns, time.clock_gettime_ns
    descriptors = (epoll.fileno(),)
    gc.disable()
    signal.pidfd_send_signal(pidfds[0], signal.SIGCONT)
    due_ns = now()
    for turn in range(turns):
        last, next_ = turn % len(children), (turn + 1) % len(children)
        due_ns = max(due_ns, now()) + quantum_ns
        if quantum_ns > _LONG_NS:
            select.select(descriptors, (), (), (due_ns - _NEAR_NS - now()) / S)
        select.select(descriptors, (), (), max(0, due_ns - _EARLY_NS - now()) / S)
        while now() < due_ns:
            pass
        account(clocks[last])
        signal.pidfd_send_signal(pidfds[last], signal.SIGSTOP)
        signal.pidfd_send_signal(pidfds[next_], signal.SIGCONT)
        account(clocks[next_])
        os.sched_getaffinity(children[next_])
        while os.waitid(os.P_PID, children[last], os.WSTOPPED | os.WNOHANG) is None:
            pass
        account(clocks[last])
        ring.clear()
        records += ring.read()
    gc.enable()
    epoll.close()
    for pidfd in pidfds:
        os.close(pidfd)
    return records


def _figures(records: list[Any], quantum_ns: int) -> dict[str, Any]:
    gaps, errors = [], []
    came: dict[int, int] = {}
    left_ns = None
    for record in records:
        if record.what == "on":
            came[record.thread] = record.t_ns
            if left_ns is not None:
                gaps.append(record.t_ns - left_ns)
        elif record.thread in came:
            stretch_ns = record.t_ns - came.pop(record.thread)
            left_ns = record.t_ns if record.what == "left" else None
            if record.what == "left":
                errors.append(stretch_ns - quantum_ns)
    return {"slice_error_ns": distribution(errors), "dispatch_gap_ns": distribution(gaps)}


_PARTS: tuple[tuple[str, tuple[str, ...], str, int, Better], ...] = (
    ("gap p50", ("dispatch_gap_ns", "p50"), "µs", US, "less"),
    ("gap p99", ("dispatch_gap_ns", "p99"), "µs", US, "less"),
    ("slice error p50", ("slice_error_ns", "p50"), "µs", US, "less"),
    ("slice error p99", ("slice_error_ns", "p99"), "µs", US, "less"),
    ("CPU delivered", ("delivered",), "", 1, "more"),
    ("engine's own CPU", ("engine_cpu",), "", 1, "less"),
)


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("needs two CPUs")
    freezes = freezer_obstacle() is None
    for quantum_ns in QUANTA_NS:
        signals, bare, calls, frozen = zip(*(_round(quantum_ns, freezes) for _ in range(rounds)), strict=True)
        others = {"plain recipe": bare, "the same system calls": calls}
        yield from _beside(f"{quantum_ns // MS} ms", signals, others)
        if freezes:
            yield from _beside(f"{quantum_ns // MS} ms, freezer", frozen, {"signals": signals})


def _round(quantum_ns: int, freezes: bool) -> tuple[dict[str, Any], ...]:
    """Signals, the bare loops, and the freezer if there is one, in the same minutes."""
    frozen = ours(quantum_ns, "freezer") if freezes else {}
    return ours(quantum_ns), plain(quantum_ns), calls_only(quantum_ns), frozen


def _beside(
    what: str, mine: Sequence[dict[str, Any]], others: Mapping[str, Sequence[dict[str, Any]]]
) -> Iterator[Figure]:
    """One beside the others, round by round."""
    for name, path, unit, divisor, better in _PARTS:
        beside = [Beside(other, _values(theirs, path, divisor)) for other, theirs in others.items()]
        yield figure(f"{what}: {name}", _values(mine, path, divisor), unit, better, *beside)


def _values(played: Sequence[dict[str, Any]], path: tuple[str, ...], divisor: int) -> list[float]:
    return [_pick(each, path) / divisor for each in played]


def _pick(figures: dict[str, Any], path: tuple[str, ...]) -> float:
    value: Any = figures
    for key in path:
        value = value and value[key]
    if value is None:
        raise CannotMeasure("needs the system's records of context switches (perf)")
    return abs(float(value))
