"""What is said between the command and the judge of one submission: one JSON object a line."""

from __future__ import annotations

import msgspec

from sandbox import __version__
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.marks import Mark
from sandbox.link.worker import BadTask, Message
from sandbox.model.clause import Clause


class GradeTask(msgspec.Struct):
    """A submission to be judged: a policy as people write it, or ``file.py``. ``text``: of its file, for a judge on
    another machine; ``strict``: only in a room with namespaces of its own."""

    what: str
    assignment: Assignment
    strict: bool
    text: str | None = None
    version: str = __version__

    @property
    def limit_s(self) -> float:
        """How long all tasks may take."""
        return sum(self.assignment.limit_s(task) for task in self.assignment.tasks)


class Judging(Message, frozen=True, tag=True):
    """The task of this number is judged now."""

    number: int


class Marked(Message, frozen=True, tag=True):
    """What came of it."""

    mark: Mark


class Tried(Message, frozen=True, tag=True):
    """What was tried in the rooms."""

    tried: list[Clause]


class Done(Message, frozen=True, tag=True):
    """The judge's last word."""


AnyMessage = BadTask | Judging | Marked | Tried | Done

decode_task = msgspec.json.Decoder(GradeTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
encode = msgspec.json.Encoder().encode
