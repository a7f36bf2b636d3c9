"""An examination in a worker: whatever somebody's policy does there, here it becomes a report."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.analysis.conformance.messages import AnyMessage, Begun, ExamineTask, Judged, Trying, decode_message
from sandbox.analysis.conformance.trial import TOO_LONG
from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS, Example, Report, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link.worker import BadTask, Worker
from sandbox.model.events import Clause
from sandbox.model.values import BadValue
from sandbox.policies.host.failures import cause

#: How long a whole examination may take, in seconds.
_PATIENCE_S = 300.0


def run(task: ExamineTask) -> list[Report]:
    """A report on each policy that is asked for. Raises BadValue where there is none."""
    with Worker("sandbox.analysis.conformance", task, decode_message) as worker:
        messages = [*worker.messages(_PATIENCE_S)]
        death = None if worker.succeeded else cause(worker.last_words(), hangs=TOO_LONG, died="ends the process")
    return _reports(task, messages, death)


def _reports(task: ExamineTask, messages: Iterable[AnyMessage], death: Clause | None) -> list[Report]:
    """The reports of these messages. ``death``: the policy that was being examined ended the worker."""
    reports: list[Report] = []
    number = 0
    for message in messages:
        match message:
            case BadTask(faults):
                raise BadValue.all(faults)
            case Begun(policy):
                reports.append(Report(policy, task.seed, task.worlds, []))
            case Trying():
                number = message.world
            case Judged(verdict):
                reports[-1].verdicts.append(verdict)
    if death is not None:
        if not reports:
            raise BadValue.all([("", death)])
        example = Example(worlds(task.seed, task.worlds)[number], Violation(death, 0), [])
        reports[-1].verdicts = [verdict for verdict in reports[-1].verdicts if verdict.law != LAWFUL]
        reports[-1].verdicts.append(Verdict(LAWFUL, "broken", example))
    for report in reports:
        _complete(report, task)
    return reports


def _complete(report: Report, task: ExamineTask) -> None:
    """A verdict on every law, in the order of the laws."""
    laws = [*LAWS, likeness(task.like.name)] if task.like else [*LAWS]
    known = {verdict.law: verdict for verdict in report.verdicts}
    report.verdicts = [known.get(law, Verdict(law, "unjudged")) for law in laws]
