"""What the process that compares is asked for, and what it tells: one JSON object a line each way."""

from __future__ import annotations

import msgspec

from sandbox.i18n import spoken
from sandbox.link.worker import Message, Refusal
from sandbox.model.spec import Scenario


class Request(msgspec.Struct):
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
    """The table and the charts; a line is a list of pieces, each a text and its tone."""

    lines: list[list[tuple[str, str]]]


AnyMessage = Refusal | Running | Compared

decode_request = msgspec.json.Decoder(Request).decode
decode_message = msgspec.json.Decoder(AnyMessage).decode
