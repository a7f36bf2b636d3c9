"""The judge: ``python -m sandbox.analysis.conformance``, one for each file that is examined.

The judge does not run the code of the examined policies. They live in rooms of their own, below this process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from sandbox.analysis.conformance.bench import Bench, classes
from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.examinee import Examinee
from sandbox.analysis.conformance.messages import Begun, Done, ExamineTask, Judged, Trying, decode_task
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link.worker import Tell, serve
from sandbox.model.values import BadValue

#: The maximum number of classes of one file that are examined.
_MAX_CLASSES = 50


def examine_all(task: ExamineTask, tell: Tell) -> None:
    """Examine every policy of the task. Raises BadValue if there is none."""
    bench = Bench(task.limit_s)
    try:
        like = None if task.like is None else bench.reference(task.like)
        generated = worlds(task.seed, task.worlds) if task.worlds else []  # without worlds, policies are only created
        for candidate in _examinees(task.what, bench):
            tell(Begun(candidate.name))
            for verdict in examine(candidate, like, generated, lambda number: tell(Trying(number))):
                tell(Judged(verdict))
        tell(Done())
    finally:
        bench.end()


def _examinees(what: str, bench: Bench) -> Iterator[Examinee]:
    """Yield the policies to be examined, each in a room of its own when its turn comes. Raises BadValue before the
    first, if one of them cannot be created."""
    room = bench.room(what)
    if not what.endswith(".py"):
        yield bench.examinee(what, room)
        return
    found: list[Examinee] = []
    names = classes(what, room)
    if len(names) > _MAX_CLASSES:  # the rest would not be judged
        raise BadValue("too many classes", value=os.path.basename(what), number=len(names), allowed=_MAX_CLASSES)
    for name in names:
        try:
            found.append(bench.examinee(f"{what}:{name}", room))
        except BadValue as bad:
            if bad.what.rule != "not a policy":
                raise
    if not found:
        raise BadValue("no policy in the file", value=os.path.basename(what))
    yield found[0]
    for candidate in found[1:]:
        yield bench.examinee(candidate.name, bench.room(what))


if __name__ == "__main__":
    serve(decode_task, examine_all, adopts=True)
