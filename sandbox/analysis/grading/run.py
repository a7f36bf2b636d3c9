"""Judges all submissions, each in a judge process of its own: here, or on the workers of a Dask cluster."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, NamedTuple

import msgspec

from sandbox import __version__
from sandbox.analysis.conformance.run import Job, judged
from sandbox.analysis.grading.marks import Graded, Mark
from sandbox.analysis.grading.messages import (
    AnyMessage,
    Done,
    GradeTask,
    Judging,
    Marked,
    Tried,
    decode_message,
    decode_task,
    encode,
)
from sandbox.analysis.sweep.executors import Unavailable, Workplace, other_version, submit, wait_for
from sandbox.i18n import N_
from sandbox.link.worker import BadTask, Worker
from sandbox.model.clause import Clause
from sandbox.policies.host.loader import MAX_BYTES

_PACKAGE = "sandbox.analysis.grading"
#: A judge ends by itself; on another machine it is killed if it takes so much longer than its limit.
_GRACE_S = 30.0


class Submission(NamedTuple):
    """A submission. ``name``: of the student; ``what``: a policy, or ``file.py``; ``is_there``: False if it is missing;
    ``late_days``: days begun since the deadline."""

    name: str
    what: str
    is_there: bool = True
    late_days: int = 0


def grade(
    submissions: Sequence[Submission], task: GradeTask, jobs: int | None, over: Callable[[], object]
) -> Iterator[Graded]:
    """Judge submissions, and yield the results in order. ``task``: common to all; ``over``: called for each that is
    done."""
    there = [each for each in submissions if each.is_there]
    work = [Job(_PACKAGE, _task(task, each), decode_message, task.limit_s) for each in there]
    heard = judged(work, jobs, over)
    for each in submissions:
        yield concluded(each, task, *next(heard)) if each.is_there else absent(each, task)


def grade_on(
    place: Workplace, submissions: Sequence[Submission], task: GradeTask, over: Callable[[], object]
) -> Iterator[Graded]:
    """Judge submissions on a cluster, to which their files are sent. Raises Unavailable."""
    given: dict[int, Future[bytes]] = {}
    for number, each in enumerate(submissions):
        if each.is_there:
            travels = msgspec.structs.replace(_task(task, each), text=_text_of(each.what))
            given[number] = submit(place, judge_here, encode(travels))
    for number, each in enumerate(submissions):
        if number not in given:
            yield absent(each, task)
            continue
        wait_for(place, given[number])
        try:
            messages, seconds = _decode_heard(given[number].result())
        except Exception as error:  # a worker has died too often
            place.check()
            place.verify()
            died = Clause("ends the process", {"reason": type(error).__name__})
            messages, seconds = [BadTask([("", died)])], 0.0
        over()
        yield concluded(each, task, messages, seconds)


class _Heard(msgspec.Struct):
    messages: list[AnyMessage]
    seconds: float


_decode = msgspec.json.Decoder(_Heard).decode


def _decode_heard(data: bytes) -> tuple[list[AnyMessage], float]:
    if not data:
        raise Unavailable(other_version(None, None))
    heard = _decode(data)
    return heard.messages, heard.seconds


def judge_here(message: bytes) -> bytes:
    """Judge an encoded task on this machine, which need not have the file. Returns the encoded messages of the judge,
    or nothing if the task is of another version."""
    task = decode_task(message)
    if task.version != __version__:
        return b""
    begun_s = time.monotonic()
    with nullcontext("") if task.text is None else tempfile.TemporaryDirectory() as folder:
        if task.text is not None:
            task.what, text, task.text = os.path.join(folder, os.path.basename(task.what)), task.text, None
            with open(task.what.partition(":")[0], "wb") as file:
                file.write(text.encode("latin-1"))
        with Worker(_PACKAGE, task, decode_message) as worker:
            messages = [*worker.messages(task.limit_s + _GRACE_S)]
    return encode(_Heard(messages, time.monotonic() - begun_s))


def _task(task: GradeTask, submission: Submission) -> GradeTask:
    return msgspec.structs.replace(task, what=submission.what)


def _text_of(what: str) -> str | None:
    file = what.partition(":")[0]
    if not file.endswith(".py"):
        return None
    try:
        with open(file, "rb") as stream:
            return stream.read(MAX_BYTES + 1).decode("latin-1")
    except OSError:
        return ""


def absent(submission: Submission, task: GradeTask) -> Graded:
    """Return the result of a missing submission."""
    return _graded(submission, task, "missing", [])


def concluded(submission: Submission, task: GradeTask, messages: Sequence[Any], seconds: float) -> Graded:
    """Return the result of a judge's messages. If the last message is missing, the judge was killed, and tasks that
    were not judged have no points."""
    graded = _graded(submission, task, "graded", [])
    graded.seconds = seconds
    done = False
    marks: list[Mark] = []
    for message in messages:
        match message:
            case BadTask(faults):
                graded.fault = [what for _, what in faults]
                graded.status = "unusable"
                done = True
            case Marked(mark):
                marks.append(mark)
            case Tried(tried):
                graded.tried = tried
            case Done():
                done = True
            case Judging():
                pass
    ended = None if done else Clause("ends the process", {"reason": N_("the judge was killed")})
    graded.marks = [*marks, *(Mark(0.0, says=ended) for _ in graded.marks[len(marks) :])]
    return graded


def _graded(submission: Submission, task: GradeTask, status: Any, tried: list[Clause]) -> Graded:
    marks = [Mark(0.0) for _ in task.assignment.tasks]
    return Graded(submission.name, submission.what, status, marks, tried, submission.late_days)
