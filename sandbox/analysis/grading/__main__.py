"""The judge of one submission: ``python -m sandbox.analysis.grading``. It does not run the submission itself."""

from __future__ import annotations

from sandbox.analysis.grading.judge import Judge
from sandbox.analysis.grading.lodgings import Lodgings
from sandbox.analysis.grading.messages import Done, GradeTask, Judging, Marked, Tried, decode_task
from sandbox.link.worker import Tell, serve


def grade(task: GradeTask, tell: Tell) -> None:
    """Judge all tasks. Raises BadValue if there is nothing to judge."""
    lodgings = Lodgings(task.what, task.assignment, task.strict)
    judge = Judge(task.assignment, lodgings)
    try:
        for number, each in enumerate(task.assignment.tasks):
            tell(Judging(number))
            tell(Marked(judge.mark(each)))
    finally:
        lodgings.end()
    tell(Tried(lodgings.tried))
    tell(Done())


if __name__ == "__main__":
    serve(decode_task, grade, adopts=True)
