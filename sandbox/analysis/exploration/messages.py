"""Messages between a screen and the worker that explores for it."""

from __future__ import annotations

import msgspec

from sandbox.i18n import spoken
from sandbox.link.worker import BadTask, Message
from sandbox.model.spec import Scenario

#: The package that the worker runs.
PACKAGE = "sandbox.analysis.exploration.beside"


class ExploreTask(msgspec.Struct):
    """Explore the orders of turns of a scenario for so many seconds, with runs on each of these real CPUs. The result
    is reported in lines of so many cells, in the given language."""

    scenario: Scenario
    seconds: float
    cpus: list[int]
    width: int
    language: str = msgspec.field(default_factory=spoken)


class Tried(Message, frozen=True, tag=True):
    """Progress: the number of runs so far, and of preemptions in the orders that are tried now. ``found``: whether an
    order that breaks was found."""

    runs: int
    preemptions: int
    found: bool


class Explored(Message, frozen=True, tag=True):
    """The result. ``says``: a summary in one line; ``lines``: the whole report; ``order``: the turns with which the
    program breaks, or none."""

    says: str
    lines: list[str]
    order: list[str]


AnyMessage = BadTask | Tried | Explored

decode_task = msgspec.json.Decoder(ExploreTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
