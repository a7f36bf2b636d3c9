"""The messages between the command and the judge of a submission, one JSON object per line."""

from __future__ import annotations

import msgspec

from sandbox import __version__
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.marks import Mark
from sandbox.link.worker import BadTask, Message
from sandbox.model.clause import Clause


class GradeTask(msgspec.Struct):
    """A submission to judge. ``what``: a policy as on a command line, or ``file.py``; ``text``: the content of the
    file, for a judge on another machine; ``strict``: only in a room with its own namespaces."""

    what: str
    assignment: Assignment
    strict: bool
    text: str | None = None
    version: str = __version__

    @property
    def limit_s(self) -> float:
        """The time limit of all tasks together, in seconds."""
        return sum(self.assignment.limit_s(task) for task in self.assignment.tasks)


class Judging(Message, frozen=True, tag=True):
    """The judge begins the task with this index."""

    number: int


class Marked(Message, frozen=True, tag=True):
    """The mark of the current task."""

    mark: Mark


class Tried(Message, frozen=True, tag=True):
    """The accesses that were tried in the rooms."""

    tried: list[Clause]


class Done(Message, frozen=True, tag=True):
    """The last message of the judge."""


AnyMessage = BadTask | Judging | Marked | Tried | Done

decode_task = msgspec.json.Decoder(GradeTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
encode = msgspec.json.Encoder().encode
