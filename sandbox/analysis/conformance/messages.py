"""What is said in an examination: between the command and the judge, and between the judge and the resident of a room.

Each line is one JSON object. What comes out of a room may have been written by anybody.
"""

from __future__ import annotations

import msgspec

from sandbox.analysis.conformance.verdicts import Verdict
from sandbox.link.worker import BadTask, Message
from sandbox.model.clause import Clause
from sandbox.model.spec import Scenario, Ties
from sandbox.policies.host.remote import Call, Said, Seat


class ExamineTask(msgspec.Struct):
    """What to examine: a policy as people write it, or ``file.py`` for every policy in a file, which is looked up from
    the folder that the process is in. ``like``: the one that it shall be like, written in the same way. ``worlds``: 0
    where it is only to be seen whether there is such a policy; ``limit_s``: how long all of it may take."""

    what: str
    like: str | None
    seed: int
    worlds: int
    limit_s: float


class Begun(Message, frozen=True, tag=True):
    """The examination of a policy begins."""

    policy: str


class Trying(Message, frozen=True, tag=True):
    """The world of this number is tried now."""

    world: int


class Judged(Message, frozen=True, tag=True):
    """The verdict on one law."""

    verdict: Verdict


class Done(Message, frozen=True, tag=True):
    """The judge's last word."""


AnyMessage = BadTask | Begun | Trying | Judged | Done

decode_task = msgspec.json.Decoder(ExamineTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode


# The judge asks


class Question(Message, frozen=True):
    """``nonce``: its number, which nobody can know before it is asked."""

    nonce: int


class WhichClasses(Question, frozen=True, tag=True):
    """Which classes a file has; it is not run for that."""

    file: str


class WhatPolicy(Question, frozen=True, tag=True):
    """Which policy somebody means. It is made once, to be tried."""

    text: str


class Decide(Question, frozen=True, tag=True):
    """How a policy decides in a world; ``twice``: and if it is asked once more."""

    source: str
    parameters: dict[str, object]
    world: Scenario
    twice: bool


AnyQuestion = WhichClasses | WhatPolicy | Decide | Seat | Call


# The resident answers


class Answer(Message, frozen=True):
    """``nonce``: of the question."""

    nonce: int


class Classes(Answer, frozen=True, tag=True):
    """The classes of a file, in their order, and the modules that it imports."""

    names: list[str]
    imports: list[str] = msgspec.field(default_factory=list)


class Introduced(Answer, frozen=True, tag=True):
    """A policy: its source and parameters for ``Decide``, what it is called, and the laws that it says it need not
    keep."""

    source: str
    parameters: dict[str, object]
    name: str
    ties: Ties
    declared: list[str]


class Refused(Answer, frozen=True, tag=True):
    """There is no such thing, and why."""

    faults: list[tuple[str, Clause]]


#: There is no second time.
NOTHING = msgspec.Raw(b"null")


class Decided(Answer, frozen=True, tag=True):
    """The policy's answers, as ``sandbox.policies.host.replay`` takes them down."""

    first: msgspec.Raw
    second: msgspec.Raw = NOTHING


AnyAnswer = Classes | Introduced | Refused | Decided | Said

decode_question = msgspec.json.Decoder(AnyQuestion).decode
decode_answer = msgspec.json.Decoder(AnyAnswer).decode
