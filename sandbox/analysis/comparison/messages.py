"""What the worker that compares is asked for, and what it tells."""

from __future__ import annotations

import msgspec

from sandbox.i18n import spoken
from sandbox.link.worker import BadTask, Message
from sandbox.model.spec import Scenario

#: Whose worker does it.
PACKAGE = "sandbox.analysis.comparison"


class CompareTask(msgspec.Struct):
    """Run the scenario in virtual time under each of these policies, written as on a command line (None: all that make
    sense), and draw what came of it in lines of so many cells, in the language that is spoken."""

    scenario: Scenario
    policies: str | None
    width: int
    language: str = msgspec.field(default_factory=spoken)


class Running(Message, frozen=True, tag=True):
    """The run of this number begins, the first being 1."""

    label: str
    number: int
    of: int


class Compared(Message, frozen=True, tag=True):
    """The table and the Gantt charts, and the graphs; a line is a list of pieces, each a text and its tone."""

    lines: list[list[tuple[str, str]]]
    graphs: list[list[tuple[str, str]]]


AnyMessage = BadTask | Running | Compared

decode_task = msgspec.json.Decoder(CompareTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
