"""The figures of a run and its result document, computed from a history. Definitions are those of textbooks.

Means and percentiles are over the processes that the scenario names. The CPU time of processes that these start is
counted for them as a family.

turnaround: from arrival to the end. waiting: time READY. response: from arrival to the first dispatch in which the
process computes.
makespan: from boot to the last end. CPU utilisation: CPU time of all processes divided by CPUs × makespan; if some
have not ended, as servers never do, by CPUs × the length of the run, which is then also used for the throughput.
fairness: Jain's index of each process's share of the time in which it wanted the CPU, CPU / (CPU + waiting); 1 if all
got the same share, 1/n if one got everything. undispatched: CPU time used without being dispatched, after a wakeup
that had not been noticed yet or until a late stop took effect; it is part of the CPU time. stolen: the least time in
which programs outside the run had the CPU of a dispatched process that could run. unseen: CPU time of processes that
ended before they were seen; it counts for their families and for the utilisation. switching: time on a CPU that was
still switching to the process; in virtual time, turnaround = CPU + waiting + blocked + switching
exactly; for real processes it is unknown (None). A figure that is not known yet, such as the makespan while no process
has ended, is None, never 0.

Processes that the scenario does not name and that ended long ago are no longer remembered individually
(``sandbox.model.retirement``), but their number, the time they used and their shares are still part of the figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sandbox.model.events import Deadlocked, Edge, Event
from sandbox.util.stats import percentile
from sandbox.util.units import S
from sandbox.views.history import History, Life
from sandbox.views.retired import Figures

_NOBODY = Figures()


def fold(events: Iterable[Event]) -> History:
    """Return the history of all the given events."""
    history = History()
    for event in events:
        history.add(event)
    return history


def result(history: History) -> dict[str, Any]:
    """Return the result document; times are integer ns since boot. The keys ``more_faults``, ``deadlocks`` and
    ``retired`` are present only if there are any."""
    booted = history.booted
    assert booted is not None, "a history begins with Booted"
    return {
        "scenario": booted.scenario,
        "machine": {"kind": booted.machine, "cpus": booted.cpus, "sensor": booted.sensor},
        "policy": {"name": booted.policy, "parameters": booted.parameters},
        "processes": processes(history),
        "slices": [
            {
                "pid": piece.pid,
                "cpu": piece.cpu,
                "start_ns": piece.start_ns,
                "end_ns": history.now_ns if piece.end_ns is None else piece.end_ns,
                "cpu_ns": piece.cpu_ns,
                "reason": piece.reason,
            }
            for piece in history.slices
        ],
        "metrics": metrics(history),
        "faults": [
            {"t_ns": fault.t_ns, "pid": fault.pid, "rule": fault.what.rule, "figures": fault.what.figures}
            for fault in history.faults
        ],
        **({"more_faults": history.more_faults} if history.more_faults else {}),
        **({"deadlocks": [_deadlock(each) for each in history.deadlocks]} if history.deadlocks else {}),
        **({"retired": retired(history)} if history.retired.all.processes else {}),
    }


def _deadlock(event: Deadlocked) -> dict[str, Any]:
    return {
        "t_ns": event.t_ns,
        "pids": event.pids,
        "core": event.core,
        "edges": [_edge(edge) for edge in event.edges],
        "may_end": event.may_end,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    taken = {"taken": edge.taken} if edge.taken else {}
    return {"pid": edge.pid, "holder": edge.holder, "resource": edge.resource, **taken}


def retired(history: History) -> dict[str, Any]:
    """Return the sums over all retired processes, and for each name; the name None stands for all further names."""
    names = [{"name": name or None, **_sums(figures)} for name, figures in history.retired.names.items()]
    return {**_sums(history.retired.all), "names": names}


def _sums(figures: Figures) -> dict[str, int]:
    return {
        "processes": figures.processes,
        "failed": figures.failed,
        "cpu_ns": figures.cpu_ns,
        "waiting_ns": figures.waiting_ns,
        "blocked_ns": figures.blocked_ns,
        "turnaround_ns": figures.turnaround_ns,
        "switches": figures.switches,
    }


def processes(history: History) -> list[dict[str, Any]]:
    """Return the figures of each process, in scenario order."""
    families = family_cpu_ns(history)
    lives = sorted(history.lives.values(), key=_scenario_order)
    return [_process(life, history) | {"family_cpu_ns": families[life.admitted.pid]} for life in lives]


def metrics(history: History, pids: Collection[int] | None = None) -> dict[str, Any]:
    """Return the figures of a run, over the ended processes. ``pids``: include only these (None: all)."""
    everyone = list(history.lives.values())
    ended = [life for life in everyone if life.exited is not None and (pids is None or life.admitted.pid in pids)]
    gone = history.retired.all if pids is None else Figures()
    ends_ns = [life.exited.t_ns for life in ended if life.exited]
    makespan_ns = max([*ends_ns, history.retired.until_ns] if gone.processes else ends_ns, default=None)
    span_ns = makespan_ns if len(ended) == len(everyone) else history.now_ns
    cpus = history.booted.cpus if history.booted else 1
    cpu_ns = sum(life.cpu_ns for life in everyone) + history.retired.all.cpu_ns + history.unseen_ns
    switching_ns = sum(life.switching_ns for life in everyone) + history.retired.all.switching_ns
    shares = [life.share(history.now_ns) for life in ended if life.cpu_ns]
    named = [_process(life, history) for life in ended if pids is not None or life.admitted.order is not None]
    return {
        "makespan_ns": makespan_ns,
        "cpu_utilisation": cpu_ns / (cpus * span_ns) if span_ns else None,
        "throughput_per_s": (len(ended) + gone.processes) * S / span_ns if span_ns else None,
        "switches": history.switches,
        "switching_ns": switching_ns if _is_virtual(history) else None,
        "missed_deadlines": history.missed,
        "undispatched_ns": history.undispatched_ns,
        "stolen_ns": None if _is_virtual(history) else history.others_ns,
        "unseen_ns": None if _is_virtual(history) else history.unseen_ns,
        "turnaround_ns": _summary([figure["turnaround_ns"] for figure in named]),
        "waiting_ns": _summary([figure["waiting_ns"] for figure in named]),
        "response_ns": _summary([f["response_ns"] for f in named if f["response_ns"] is not None]),
        "fairness_jain": jain(shares, gone),
    }


def one_after_another(history: History) -> dict[str, float | None]:
    """Return the makespan (ns) and CPU utilisation if the scenario's processes ran one after another, with the CPU idle
    during their waits. They are computed from the CPU time of all processes and the waits of the scenario's processes
    (except those for their own children) in this run; both are None while none of the latter has ended."""
    cpu_ns = sum(life.cpu_ns for life in history.lives.values()) + history.retired.all.cpu_ns
    named = [life for life in history.lives.values() if life.admitted.order is not None]
    waits_ns = sum(life.blocked_ns(history.now_ns) - life.child_wait_ns(history.now_ns) for life in named)
    total_ns = cpu_ns + waits_ns
    if not total_ns or not any(life.exited for life in named):
        return {"makespan_ns": None, "cpu_utilisation": None}
    return {"makespan_ns": total_ns, "cpu_utilisation": cpu_ns / total_ns}


def jain(shares: Sequence[float], more: Figures = _NOBODY) -> float | None:
    """Return Jain's fairness index, (Σx)² / (n Σx²); None if there are no shares. ``more``: the sums of further
    shares."""
    squares = sum(share * share for share in shares) + more.squares
    return (sum(shares) + more.share) ** 2 / ((len(shares) + more.sharers) * squares) if squares else None


def _summary(values: list[int]) -> dict[str, int | None]:
    if not values:
        return {"mean": None, "p50": None, "p95": None, "max": None}
    values.sort()
    return {
        "mean": round(sum(values) / len(values)),
        "p50": percentile(values, 0.50),
        "p95": percentile(values, 0.95),
        "max": values[-1],
    }


def family_cpu_ns(history: History) -> dict[int, int]:
    """Return the CPU time of each process with all its descendants, by pid, including descendants never seen."""
    lives = history.lives
    totals = {pid: life.cpu_ns + life.unseen_ns + life.family_ns for pid, life in lives.items()}
    missing = Counter(life.admitted.parent for life in lives.values())
    complete = [pid for pid in totals if not missing[pid]]
    for pid in complete:  # a child may have been reported before its parent
        parent = lives[pid].admitted.parent
        if parent in totals:
            totals[parent] += totals[pid]
            missing[parent] -= 1
            if not missing[parent]:
                complete.append(parent)
    return totals


def _is_virtual(history: History) -> bool:
    return history.booted is not None and history.booted.machine == "virtual"


def _scenario_order(life: Life) -> tuple[float, int]:
    order = life.admitted.order
    return (math.inf if order is None else order, life.admitted.pid)


def _process(life: Life, history: History) -> dict[str, Any]:
    admitted, exited, now_ns = life.admitted, life.exited, history.now_ns
    finished_ns = exited.t_ns if exited else None
    return {
        "pid": admitted.pid,
        "os_pid": admitted.os_pid,
        "parent": admitted.parent,
        "name": admitted.name,
        "arrived_ns": admitted.t_ns,
        "first_run_ns": life.first_run_ns,
        "finished_ns": finished_ns,
        "cpu_ns": life.cpu_ns,
        "waiting_ns": life.ready_ns(now_ns),
        "blocked_ns": life.blocked_ns(now_ns),
        "turnaround_ns": None if finished_ns is None else finished_ns - admitted.t_ns,
        "response_ns": None if life.first_run_ns is None else life.first_run_ns - admitted.t_ns,
        "switches": life.switches,
        "switching_ns": life.switching_ns if _is_virtual(history) else None,
        "missed_deadlines": life.missed,
        "exit": exited.status if exited else None,
    }
