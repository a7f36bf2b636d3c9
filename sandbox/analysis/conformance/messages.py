"""Messages of an examination: between the command and the judge, and between the judge and the resident of a room.

Each line is one JSON object. Messages from a room are not trustworthy.
"""

from __future__ import annotations

import msgspec

from sandbox.analysis.conformance.verdicts import Verdict
from sandbox.link.worker import BadTask, Message
from sandbox.model.clause import Clause
from sandbox.model.spec import Scenario, Ties
from sandbox.policies.host.remote import Call, Said, Seat


class ExamineTask(msgspec.Struct):
    """What to examine: a policy as users write it, or ``file.py`` for every policy in a file, relative to the working
    directory of the process.

    ``like``: the policy with which it is compared, written in the same way; ``worlds``: the number of generated
    workloads, 0 to only check that there is such a policy; ``limit_s``: how long the examination may take.
    """

    what: str
    like: str | None
    seed: int
    worlds: int
    limit_s: float


class Begun(Message, frozen=True, tag=True):
    """The examination of a policy begins."""

    policy: str


class Trying(Message, frozen=True, tag=True):
    """The world with this number is about to be tried."""

    world: int


class Judged(Message, frozen=True, tag=True):
    """The verdict on one law."""

    verdict: Verdict


class Done(Message, frozen=True, tag=True):
    """The last message of a judge."""


AnyMessage = BadTask | Begun | Trying | Judged | Done

decode_task = msgspec.json.Decoder(ExamineTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode


# Questions of the judge


class Question(Message, frozen=True):
    """A question. ``nonce``: its number, which cannot be guessed before it is asked."""

    nonce: int


class WhichClasses(Question, frozen=True, tag=True):
    """Which classes does a file have? It is not run for that."""

    file: str


class WhatPolicy(Question, frozen=True, tag=True):
    """Which policy does this text mean? It is created once on trial."""

    text: str


class Decide(Question, frozen=True, tag=True):
    """How does a policy decide in a world? ``twice``: do it in two runs."""

    source: str
    parameters: dict[str, object]
    world: Scenario
    twice: bool


AnyQuestion = WhichClasses | WhatPolicy | Decide | Seat | Call


# Answers of the resident


class Answer(Message, frozen=True):
    """An answer. ``nonce``: that of the question."""

    nonce: int


class Classes(Answer, frozen=True, tag=True):
    """The classes of a file, in their order, and the modules that it imports."""

    names: list[str]
    imports: list[str] = msgspec.field(default_factory=list)


class Introduced(Answer, frozen=True, tag=True):
    """A policy: its source and parameters for ``Decide``, its name, and the laws that it declares not to keep."""

    source: str
    parameters: dict[str, object]
    name: str
    ties: Ties
    declared: list[str]


class Refused(Answer, frozen=True, tag=True):
    """There is no such policy, and why."""

    faults: list[tuple[str, Clause]]


#: There was no second run.
NOTHING = msgspec.Raw(b"null")


class Decided(Answer, frozen=True, tag=True):
    """The answers of the policy, as recorded by ``sandbox.policies.host.replay``."""

    first: msgspec.Raw
    second: msgspec.Raw = NOTHING


AnyAnswer = Classes | Introduced | Refused | Decided | Said

decode_question = msgspec.json.Decoder(AnyQuestion).decode
decode_answer = msgspec.json.Decoder(AnyAnswer).decode
