"""What the worker that explores beside a screen is asked for, and what it tells."""

from __future__ import annotations

import msgspec

from sandbox.i18n import spoken
from sandbox.link.worker import BadTask, Message
from sandbox.model.spec import Scenario

#: Whose worker does it.
PACKAGE = "sandbox.analysis.exploration.beside"


class ExploreTask(msgspec.Struct):
    """Search the orders of turns of a scenario for so long, with runs on each of these real CPUs; what comes of it is
    told in lines of so many cells, in the language that is spoken."""

    scenario: Scenario
    seconds: float
    cpus: list[int]
    width: int
    language: str = msgspec.field(default_factory=spoken)


class Tried(Message, frozen=True, tag=True):
    """So many runs were made so far, and orders of so many preemptions are tried. ``found``: one of them breaks it."""

    runs: int
    preemptions: int
    found: bool


class Explored(Message, frozen=True, tag=True):
    """It is over. ``says``: what came of it, in a line; ``lines``: all that there is to tell of it; ``order``: the
    turns in which it breaks, if it does."""

    says: str
    lines: list[str]
    order: list[str]


AnyMessage = BadTask | Tried | Explored

decode_task = msgspec.json.Decoder(ExploreTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
