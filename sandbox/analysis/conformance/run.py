"""Runs examinations, each with a judge of its own, so that a bad file does not affect the results of the others."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from select import select
from typing import Any, NamedTuple

import msgspec

from sandbox.analysis.conformance.messages import AnyMessage, Begun, Done, ExamineTask, Judged, Trying, decode_message
from sandbox.analysis.conformance.trial import ENDS
from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS, Example, Report, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import worlds
from sandbox.i18n import N_
from sandbox.link.worker import BadTask, Worker
from sandbox.model.clause import Clause
from sandbox.model.values import BadValue
from sandbox.util.cpus import usable_cpus
from sandbox.util.text import clean_line

#: A judge ends by itself when its time is over. This is how many seconds longer it may take, to start, judge and sweep.
_GRACE_S = 15.0
_LOOK_S = 0.2
#: The number of simultaneous examinations per CPU, and the maximum if CPUs are idle nevertheless, because some of the
#: policies sleep.
_JOBS_A_CPU, _MAX_JOBS_A_CPU = 2, 6
#: Errors for lack of resources, which are available again when another judge has ended.
_SCARCE = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
#: The interval of checking for idle CPUs, and how much idle time, in CPUs, counts.
_IDLE_LOOK_S, _IDLE = 0.5, 0.4

Outcome = list[Report] | BadValue


class Job(NamedTuple):
    """The work of one judge. ``package``: the one whose ``__main__`` it is; ``decode``: decodes a line of its output;
    ``limit_s``: when it ends by itself."""

    package: str
    task: msgspec.Struct
    decode: Callable[[bytes], Any]
    limit_s: float


#: All messages of a judge, and how many seconds it took.
Heard = tuple[list[Any], float]


class _AtWork:
    """One judge at work."""

    def __init__(self, job: Job) -> None:
        self._limit_s = job.limit_s + _GRACE_S
        self._messages: list[Any] = []
        self._begun_s = time.monotonic()
        self._seconds = 0.0
        self.worker: Worker[Any] = Worker(job.package, job.task, job.decode)

    def look(self) -> bool:
        """Read the messages that are available. Return whether the judge is done."""
        if not self.worker.closed:
            self._messages += self.worker.receive()
        self._seconds = time.monotonic() - self._begun_s
        return self.worker.closed or self._seconds > self._limit_s

    def heard(self, others: Sequence[int]) -> Heard:
        """End the judge and return its messages. ``others``: the os_pids of the judges that go on."""
        self.worker.end()
        if sys.platform == "linux":  # it has swept itself, unless it was killed
            from sandbox.machines.linux.process.sweep import end_descendants

            end_descendants(lambda stat: stat.os_pid in others)
        return self._messages, self._seconds


class _Lanes:
    """Decides how many judges are at work at once: ``jobs``, or, if that is None, as many as keep the CPUs busy."""

    def __init__(self, jobs: int | None) -> None:
        cpus = len(usable_cpus())
        self._least = self.number = jobs or _JOBS_A_CPU * cpus
        self._most = jobs or _MAX_JOBS_A_CPU * cpus
        self._seen_s, self._idle_s = time.monotonic(), _idle_s()

    def refused(self, active: int) -> None:
        """Note that the system has no resources for another process."""
        self._least = self._most = self.number = active

    def look(self) -> None:
        """Increase the number if CPUs are idle, otherwise decrease it."""
        passed_s = time.monotonic() - self._seen_s
        if passed_s >= _IDLE_LOOK_S:
            idle_s = _idle_s()
            more = 1 if idle_s - self._idle_s > _IDLE * passed_s else -1
            self.number = min(max(self.number + more, self._least), self._most)
            self._seen_s, self._idle_s = self._seen_s + passed_s, idle_s


def _idle_s() -> float:
    if sys.platform == "linux":
        from sandbox.machines.linux.procfs_counts import idle_s

        return idle_s()
    return 0.0


def judged(work: Sequence[Job], jobs: int | None = None, over: Callable[[], object] = bool) -> Iterator[Heard]:
    """Yield what each judge reports, in the order of the work. ``jobs``: how many are at work at once (None: as many as
    keep the CPUs busy); ``over`` is called when one is done, in any order."""
    if sys.platform == "linux":
        from sandbox.link.client import adopt_orphans
        from sandbox.util import libc

        adopt_orphans()
        libc.let_nobody_in()
    lanes = _Lanes(jobs)
    waiting = list(enumerate(work))
    active: dict[int, _AtWork] = {}
    known: dict[int, Heard] = {}
    try:
        for number in range(len(work)):
            while number not in known:
                lanes.look()
                while waiting and len(active) < lanes.number:
                    index, job = waiting.pop(0)
                    try:
                        active[index] = _AtWork(job)
                    except (OSError, ValueError) as error:  # the name is no text, or there are no resources
                        if active and isinstance(error, OSError) and error.errno in _SCARCE:
                            waiting.insert(0, (index, job))
                            lanes.refused(len(active))
                            break
                        bad = BadValue(
                            "cannot be read", reason=clean_line(getattr(error, "strerror", "") or str(error))
                        )
                        known[index] = ([BadTask(bad.faults)], 0.0)
                select([each.worker for each in active.values() if not each.worker.closed], [], [], _LOOK_S)
                for index in [index for index, each in active.items() if each.look()]:
                    done = active.pop(index)
                    known[index] = done.heard([each.worker.os_pid for each in active.values()])
                    over()
            yield known.pop(number)
    finally:
        for each in active.values():
            each.worker.end()


def run(tasks: Sequence[ExamineTask], jobs: int | None = None) -> Iterator[tuple[Outcome, float]]:
    """Yield the result of each task, in their order, and how many seconds it took. ``jobs``: how many are examined at
    once."""
    work = [Job("sandbox.analysis.conformance", task, decode_message, task.limit_s) for task in tasks]
    for task, (messages, seconds) in zip(tasks, judged(work, jobs), strict=True):
        yield outcome(task, messages), seconds


def outcome(task: ExamineTask, messages: Sequence[AnyMessage]) -> Outcome:
    """Return the result of a judge's messages. If the last one is missing, the judge was killed, and the policy that it
    examined last is to blame."""
    reports: list[Report] = []
    number, done = 0, False
    for message in messages:
        match message:
            case BadTask(faults) if not reports:
                return BadValue.all(faults)
            case BadTask(faults):
                _break(reports[-1], task, number, faults[0][1])
                done = True
            case Begun(policy):
                reports.append(Report(policy, task.seed, task.worlds, []))
            case Trying():
                number = message.world
            case Judged(verdict):
                reports[-1].verdicts.append(verdict)
            case Done():
                done = True
    if not done:
        death = Clause(ENDS, {"reason": N_("the judge was killed")})
        if not reports:
            return BadValue.all([("", death)])
        _break(reports[-1], task, number, death)
    for report in reports:
        _complete(report, task)
    return reports


def _break(report: Report, task: ExamineTask, number: int, what: Clause) -> None:
    example = Example(worlds(task.seed, task.worlds)[number], Violation(what, 0), [])
    report.verdicts = [verdict for verdict in report.verdicts if verdict.law != LAWFUL]
    report.verdicts.append(Verdict(LAWFUL, "broken", example))


def _complete(report: Report, task: ExamineTask) -> None:
    """Complete the verdicts, in the order of the laws. A law that was not judged does not count as kept."""
    laws = [*LAWS, likeness(task.like)] if task.like else [*LAWS]
    known = {verdict.law: verdict for verdict in report.verdicts}
    report.verdicts = [known.get(law, Verdict(law, "unjudged")) for law in laws]
    if not report.passed and not any(verdict.state == "broken" for verdict in report.verdicts):
        _break(report, task, 0, Clause("not judged"))
        report.verdicts.sort(key=lambda verdict: laws.index(verdict.law))
