"""Examinations, each by a judge of its own: whatever is in one file, the others have their results."""

from __future__ import annotations

import errno
import os
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
from sandbox.util.text import clean_line

#: A judge ends by itself when its time is over. It may take so many seconds longer: to begin, to judge, to sweep.
_GRACE_S = 15.0
_LOOK_S = 0.2
#: Examinations at once, and at most if CPUs stand idle nevertheless: some of the examined sleep.
_JOBS_A_CPU, _MAX_JOBS_A_CPU = 2, 6
#: What somebody who waits for the end of others may then have.
_SCARCE = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
#: How often that is looked at, and which part of a CPU counts as one that stands idle.
_IDLE_LOOK_S, _IDLE = 0.5, 0.4

Outcome = list[Report] | BadValue


class Job(NamedTuple):
    """What one judge is to do. ``package``: the one whose ``__main__`` it is; ``decode``: a line of its as a message;
    ``limit_s``: when it ends by itself."""

    package: str
    task: msgspec.Struct
    decode: Callable[[bytes], Any]
    limit_s: float


#: All that a judge has said, and how many seconds it took.
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
        """Hear what there is to hear; whether that was all."""
        if not self.worker.closed:
            self._messages += self.worker.receive()
        self._seconds = time.monotonic() - self._begun_s
        return self.worker.closed or self._seconds > self._limit_s

    def heard(self, others: Sequence[int]) -> Heard:
        """What it has said; it is ended. ``others``: the judges that go on."""
        self.worker.end()
        if sys.platform == "linux":  # it has swept itself, unless it was killed
            from sandbox.machines.linux.process.sweep import end_descendants

            end_descendants(lambda stat: stat.os_pid in others)
        return self._messages, self._seconds


class _Lanes:
    """How many may be at work at once. ``jobs``: neither more nor fewer; else as many as keep the CPUs busy."""

    def __init__(self, jobs: int | None) -> None:
        cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._least = self.number = jobs or _JOBS_A_CPU * cpus
        self._most = jobs or _MAX_JOBS_A_CPU * cpus
        self._seen_s, self._idle_s = time.monotonic(), _idle_s()

    def refused(self, active: int) -> None:
        """The system has no process left for another one."""
        self._least = self._most = self.number = active

    def look(self) -> None:
        """One more if CPUs stand idle, one fewer if not."""
        passed_s = time.monotonic() - self._seen_s
        if passed_s >= _IDLE_LOOK_S:
            idle_s = _idle_s()
            more = 1 if idle_s - self._idle_s > _IDLE * passed_s else -1
            self.number = min(max(self.number + more, self._least), self._most)
            self._seen_s, self._idle_s = self._seen_s + passed_s, idle_s


def _idle_s() -> float:
    if sys.platform != "linux":
        return 0.0
    from sandbox.machines.linux.procfs_counts import idle_s

    return idle_s()


def judged(work: Sequence[Job], jobs: int | None = None, over: Callable[[], object] = bool) -> Iterator[Heard]:
    """What each judge says, in the order of the work. So many are at work at once; ``over`` is called when one is done,
    in whatever order they are."""
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
                    except (OSError, ValueError) as error:  # a name that is no text; no process to be had
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
    """For each task, in their order, what came of it and how many seconds it took. So many are at work at once."""
    work = [Job("sandbox.analysis.conformance", task, decode_message, task.limit_s) for task in tasks]
    for task, (messages, seconds) in zip(tasks, judged(work, jobs), strict=True):
        yield outcome(task, messages), seconds


def outcome(task: ExamineTask, messages: Sequence[AnyMessage]) -> Outcome:
    """What the messages of a judge come to. Without its last word it was killed, and whom it examined last has to
    answer for that."""
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
    """A verdict on every law, in the order of the laws. What was not judged is not kept."""
    laws = [*LAWS, likeness(task.like)] if task.like else [*LAWS]
    known = {verdict.law: verdict for verdict in report.verdicts}
    report.verdicts = [known.get(law, Verdict(law, "unjudged")) for law in laws]
    if not report.passed and not any(verdict.state == "broken" for verdict in report.verdicts):
        _break(report, task, 0, Clause("not judged"))
        report.verdicts.sort(key=lambda verdict: laws.index(verdict.law))
