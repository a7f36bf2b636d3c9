"""The report: for people, with a line for each law and the story of each broken one; for programs, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.cells import cell_len

from sandbox import wording
from sandbox.analysis.conformance.junit import Case, Suite
from sandbox.analysis.conformance.verdicts import LAWS, Example, Report, Verdict
from sandbox.i18n import _
from sandbox.model.commands import Kill
from sandbox.model.events import Clause, Dispatched
from sandbox.model.spec import At, ProcessSpec, Scenario
from sandbox.render import gantt
from sandbox.render.cells import fit, wrap
from sandbox.render.gantt import Line
from sandbox.util.units import MS, show_duration
from sandbox.views.history import History
from sandbox.views.metrics import fold

_SIGNS = {"holds": "✔", "broken": "✘", "declared": "●", "unjudged": "-"}
_LAW = 15
_INDENT = "    "
#: A run that is not much longer than this is shown to its end.
_SHORT_NS = 500 * MS
_MAX_LISTED = 8


def lines(report: Report, width: int) -> Iterator[Line]:
    """Yield the report in lines of at most ``width`` cells."""
    workloads = _("{number} generated workloads, seed {seed}").format(number=report.worlds, seed=report.seed)
    yield [(report.policy, "strong"), (f"  {workloads}", "dim")]
    column = max(_LAW, *(cell_len(wording.law(law)) for law in LAWS))
    for verdict in report.verdicts:
        law = wording.law(verdict.law)
        said = f"{_SIGNS[verdict.state]} {fit(law, max(column, cell_len(law)))} {says(verdict)}".rstrip()
        for text in wrap(said, width, indent=" " * (column + 3), hyphens=False):
            yield [(text, "strong" if verdict.state == "broken" else "text")]
        yield from ([(_INDENT, "text"), *line] for line in story(report.policy, verdict, width - len(_INDENT)))


def says(verdict: Verdict) -> str:
    """Return a sentence on a verdict; "" if the law holds."""
    if verdict.example is not None:
        return wording.violation(verdict.example.violation.what)
    return wording.unbroken(verdict.state)


def document(report: Report) -> dict[str, Any]:
    """Return the report as data for JSON, with times in ns."""
    return {
        "policy": report.policy,
        "seed": report.seed,
        "worlds": report.worlds,
        "passed": report.passed,
        "laws": [_law(verdict) for verdict in report.verdicts],
    }


def _law(verdict: Verdict) -> dict[str, Any]:
    law: dict[str, Any] = {"law": verdict.law, "state": verdict.state, "says": says(verdict)}
    if verdict.example is not None:
        what, scenario = verdict.example.violation.what, verdict.example.scenario
        law |= {"rule": what.rule, "figures": what.figures, "t_ns": verdict.example.violation.t_ns}
        law["workload"] = {
            "machine": msgspec.to_builtins(scenario.machine),
            "processes": msgspec.to_builtins(scenario.processes),
            "script": msgspec.to_builtins(scenario.script),
        }
    return law


def suite(report: Report, seconds: float) -> Suite:
    """Return the report as test cases. The story of a broken law is the message of the failure."""
    cases = []
    for verdict in report.verdicts:
        told = "\n".join("".join(text for text, _ in line).rstrip() for line in story(report.policy, verdict, 80))
        cases.append(Case(verdict.law, _OUTCOMES[verdict.state], says(verdict), told))
    return Suite(report.policy, cases, seconds)


_OUTCOMES = {"holds": "passed", "broken": "failed", "declared": "skipped", "unjudged": "skipped"}


# The story of a broken law


def story(policy: str, verdict: Verdict, width: int) -> Iterator[Line]:
    """Yield the line in the policy's file, the workload, and a chart of what happened; nothing if the law is not
    broken."""
    if verdict.example is not None:
        yield from told(policy, verdict.law.removeprefix("like "), verdict.example, width)


def told(policy: str, reference: str, example: Example, width: int) -> Iterator[Line]:
    """Yield what happened in an example, and under the policy with which it is compared, if there is one."""
    yield from _place(example.violation.what)
    yield from ([(text, "text")] for text in _workload(example.scenario))
    runs = {policy: example.events, reference: example.reference}
    histories = {name: fold(events) for name, events in runs.items() if events}
    t_ns = example.violation.t_ns
    span_ns = _span_ns(t_ns, [*histories.values()])
    for name, history in histories.items():
        if len(histories) > 1:
            yield [(name, "strong"), (_choice(runs[name], t_ns), "dim")]
        yield from gantt.scene(history, width, span_ns, t_ns)


def _place(what: Clause) -> Iterator[Line]:
    """Yield the line of the policy's file at which it failed."""
    if {"file", "line", "callback", "code"} <= {*what.figures}:
        yield [(_("{file}, line {line}, in {callback}").format(**what.figures), "strong")]
        yield [(f"{_INDENT}{what.figures['code']}", "text")]


def _workload(world: Scenario) -> Iterator[str]:
    """Yield the processes, and unusual settings of the machine."""
    for process in world.processes[:_MAX_LISTED]:
        yield _process(process)
    if len(world.processes) > _MAX_LISTED:
        yield _("… and {number} more like these").format(number=len(world.processes) - _MAX_LISTED)
    machine = world.machine
    special = [_("{number} CPUs").format(number=machine.cpus)] if machine.cpus > 1 else []
    if machine.quantum_ns is not None:
        special.append(_("quantum {time}").format(time=show_duration(machine.quantum_ns)))
    special += [_deed(at) for at in world.script]
    if special:
        yield ", ".join(special)


def _process(process: ProcessSpec) -> str:
    plain = ProcessSpec(process.name)
    figures = [process.runs]
    if process.arrive_ns:
        figures.insert(0, _("arrives at {time}").format(time=show_duration(process.arrive_ns)))
    figures += [
        f"{key} {getattr(process, key)}"
        for key in ("priority", "nice", "tickets")
        if getattr(process, key) != getattr(plain, key)
    ]
    if process.period_ns is not None:
        figures.append(_("period {time}").format(time=show_duration(process.period_ns)))
    return f"{process.name}  {', '.join(figures)}"


def _deed(at: At) -> str:
    time = show_duration(at.time_ns)
    if isinstance(at.do, Kill):
        return _("at {time} {name} is killed").format(time=time, name=at.do.who)
    return _("at {time} the policy takes over from fcfs").format(time=time)


def _choice(events: Sequence[Any], t_ns: int) -> str:
    """Return why the process was chosen at an instant."""
    chosen = [event for event in events if isinstance(event, Dispatched) and event.t_ns == t_ns]
    return f"  {wording.rule(chosen[-1].why)}" if chosen else ""


def _span_ns(t_ns: int, histories: Sequence[History]) -> int:
    """Return how much to show, in ns: all of a short run, otherwise the time until shortly after the instant."""
    end_ns = max((history.now_ns for history in histories), default=0)
    return end_ns if end_ns <= max(_SHORT_NS, 2 * t_ns) else t_ns * 5 // 4
