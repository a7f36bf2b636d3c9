"""What the worker that examines policies is asked for, and what it tells."""

from __future__ import annotations

import msgspec

from sandbox.analysis.conformance.trial import Candidate
from sandbox.analysis.conformance.verdicts import Verdict
from sandbox.link.worker import BadTask, Message


class ExamineTask(msgspec.Struct):
    """What to examine: a policy as people write it, or ``file.py`` for every policy in a file, which is looked up from
    the folder that the process is in."""

    what: str
    like: Candidate | None
    seed: int
    worlds: int


class Begun(Message, frozen=True, tag=True):
    """The examination of a policy begins."""

    policy: str


class Trying(Message, frozen=True, tag=True):
    """The world of this number is tried now."""

    world: int


class Judged(Message, frozen=True, tag=True):
    """The verdict on one law."""

    verdict: Verdict


AnyMessage = BadTask | Begun | Trying | Judged

decode_task = msgspec.json.Decoder(ExamineTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
