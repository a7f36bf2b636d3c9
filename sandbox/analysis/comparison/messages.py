"""The task and the messages of the worker that compares."""

from __future__ import annotations

import msgspec

from sandbox.i18n import spoken
from sandbox.link.worker import BadTask, Message
from sandbox.model.spec import Scenario

#: The package whose worker does it.
PACKAGE = "sandbox.analysis.comparison"


class CompareTask(msgspec.Struct):
    """Run the scenario in virtual time under each of these policies, written as on a command line (None: all that make
    sense), and report in lines of ``width`` cells, in this language."""

    scenario: Scenario
    policies: str | None
    width: int
    language: str = msgspec.field(default_factory=spoken)


class Running(Message, frozen=True, tag=True):
    """A run begins. ``number``: counted from 1."""

    label: str
    number: int
    of: int


class Compared(Message, frozen=True, tag=True):
    """The table with the Gantt charts, and the graphs. A line is a list of pieces, each a text and its tone."""

    lines: list[list[tuple[str, str]]]
    graphs: list[list[tuple[str, str]]]


AnyMessage = BadTask | Running | Compared

decode_task = msgspec.json.Decoder(CompareTask).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
