"""Reader for recordings, which loads as much of a damaged recording as is usable and reports the rest.

A recording may come from an untrusted source: its text is cleaned, and events that cannot have happened are left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import msgspec
from msgspec.structs import replace

from sandbox.model.commands import UsePolicy
from sandbox.model.events import AnyEvent, Booted, Clause, Described, Fault, Halted, Wrote, decode
from sandbox.model.spec import At, Scenario
from sandbox.model.values import BadValue
from sandbox.scenario.library import built_in_file, built_in_folder
from sandbox.trace.header import FORMAT, Header, unknown
from sandbox.trace.packed import unpacked
from sandbox.trace.plausible import Plausible
from sandbox.util.stdin import NAME, open_bytes
from sandbox.util.text import clean, clean_console, clean_line, clean_terminal, without_controls

#: The most bytes of a line and events of a file. Anything longer was not written by this program, or is too long.
_MAX_LINE, _MAX_EVENTS = 1 << 24, 10_000_000
_MAX_TEXT = 4_096
#: After this many lines without a usable event, the file is taken not to be a recording.
_PATIENCE = 1_000
_UNREADABLE = (msgspec.DecodeError, ValueError, TypeError, RecursionError)


class Recording:
    """A recording that is being read. ``problems``: what is wrong with it, complete once all events have been read."""

    def __init__(self, path: str) -> None:
        """Open the file and read its beginning. Raises BadValue if it contains nothing usable."""
        self.path = path
        self.problems: list[Clause] = []
        self._left_out = 0
        self._first_left_out = 0
        try:
            self._stored: BinaryIO = open_bytes(path)
            self._size = 0 if path == NAME else os.fstat(self._stored.fileno()).st_size
            self._file = unpacked(self._stored) if self._stored.seekable() else self._stored
            self._lines = self._read_lines()
            self._events: Iterator[AnyEvent] = iter(())
            self.header = self._read_header()
        except OSError as error:
            raise BadValue("cannot be read", reason=error.strerror) from None

    @property
    def progress(self) -> float:
        """The fraction of the file that was read, 0 … 1."""
        return min(self._stored.tell() / self._size, 1.0) if self._size and not self._stored.closed else 1.0

    def events(self) -> Iterator[AnyEvent]:
        """Return an iterator over all readable and plausible events, the first of which is Booted. It can be used only
        once."""
        return self._events

    # Reading

    def _read_header(self) -> Header:
        first = next(self._lines, None)
        if first is None:
            raise BadValue("is no recording" if self.problems else "recording is empty")
        number, line = first
        found = _header(line)
        if found is not None:
            if found.format > FORMAT:
                self._say("recording of a later format", format=found.format, reads=FORMAT, version=found.version)
            machine = found.scenario.machine
            self._expect_events(
                Booted(
                    t_ns=0,
                    machine="linux",
                    cpus=machine.cpus,
                    policy=machine.policy,
                    parameters={},
                    ties="",
                    scenario=found.scenario.name,
                )
            )
            return found
        self._lines = _again(first, self._lines)
        name = os.path.basename(self.path)
        booted = self._expect_events()
        self._say("recording without a header", line=number)
        return unknown(booted.scenario or name)

    def _expect_events(self, otherwise: Booted | None = None) -> Booted:
        """Start reading events, and return the first, or ``otherwise`` if it was lost. ``events`` still yields it."""
        self._events = self._read_events(otherwise)
        booted = next(self._events, None)
        if not isinstance(booted, Booted):
            raise BadValue("recording holds no event" if self._left_out == 0 else "is no recording")
        self._events = _again(booted, self._events)
        return booted

    def _read_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield complete lines with their numbers."""
        number = 0
        while line := self._file.readline(_MAX_LINE):
            number += 1
            if line.endswith(b"\n"):
                yield number, line
            elif len(line) == _MAX_LINE:
                self._say("line is too long", line=number, allowed=_MAX_LINE)
                return
            else:
                self._say("recording ends within a line", line=number)

    def _read_events(self, otherwise: Booted | None) -> Iterator[AnyEvent]:
        plausible = Plausible()
        count, last = 0, None
        with self._file:
            for number, line in self._lines:
                event = _event(line)
                if count == 0 and otherwise is not None and event is not None and not isinstance(event, Booted):
                    count = plausible(otherwise)
                    yield otherwise
                if event is None or not plausible(event):
                    self._leave_out(number)
                    if count == 0 and self._left_out > _PATIENCE:
                        return
                    continue
                if count == _MAX_EVENTS:
                    self._say("too many events", allowed=_MAX_EVENTS)
                    break
                count, last = count + 1, event
                yield event
        if self._left_out:
            self._say("lines left out", number=self._left_out, line=self._first_left_out)
        if count and not isinstance(last, Halted):
            self._say("recording has no end")

    def _leave_out(self, number: int) -> None:
        self._left_out += 1
        self._first_left_out = self._first_left_out or number

    def _say(self, rule: str, **figures: str | int) -> None:
        self.problems.append(Clause(rule, dict(figures)))


def _again(item: Any, items: Iterator[Any]) -> Iterator[Any]:
    yield item
    yield from items


def _programs(raw: object) -> dict[str, str]:
    """Return cleaned program texts by file name; cleaning keeps the number of lines."""
    texts = raw.items() if isinstance(raw, dict) else ()
    return {
        _line(name): without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
        for name, text in texts
        if isinstance(name, str) and isinstance(text, str)
    }


def _header(line: bytes) -> Header | None:
    """Return the cleaned header of a line, of a later version as far as it is understood; None if it is no header."""
    try:
        raw = json.loads(line)
        if not isinstance(raw, dict) or raw.get("ossandbox") != "recording":
            return None
        texts = {key: clean(raw[key]) for key in ("text", "policy_source") if isinstance(raw.get(key), str)}
        table = _harmless(raw, _line)
        table["sources"] = _programs(raw.get("sources"))
        try:
            header = msgspec.convert({**table, **texts}, Header)
            header.scenario = without_files(_at_home(header))
        except msgspec.ValidationError:
            name = table.get("scenario", {}).get("name") if isinstance(table.get("scenario"), dict) else None
            header = unknown(str(name or "recording"))
            header.format = table["format"] if isinstance(table.get("format"), int) else 0
            header.version = str(table.get("version", ""))
    except _UNREADABLE:
        return None
    return header


def _at_home(header: Header) -> Scenario:
    """Return the scenario of a header. A built-in one, recorded on another computer, has its lesson here; it is known
    by the text of its file."""
    file = built_in_file(header.scenario.name)
    with suppress(OSError):
        if file is not None and clean(file.read_text("utf-8")) == header.text:
            return replace(header.scenario, folder=str(built_in_folder()))
    return header.scenario


def without_files(scenario: Scenario) -> Scenario:
    """Return a recording's scenario without references to files, except to built-in lessons, because the recording may
    come from an untrusted source. The names of policies stay readable."""
    own = scenario.folder == str(built_in_folder())
    names = [scenario.machine.policy, *(at.do.policy for at in scenario.script if isinstance(at.do, UsePolicy))]
    names += [each.policy or "" for each in scenario.whatifs]
    if scenario.lesson is None and not any(":" in name for name in names):
        return scenario
    machine = replace(scenario.machine, policy=name_only(scenario.machine.policy))
    script = [
        At(at.time_ns, UsePolicy(name_only(at.do.policy))) if isinstance(at.do, UsePolicy) else at
        for at in scenario.script
    ]
    whatifs = [replace(each, policy=each.policy and name_only(each.policy)) for each in scenario.whatifs]
    return replace(
        scenario,
        machine=machine,
        script=script,
        whatifs=whatifs,
        folder=scenario.folder if own else "",
        lesson=scenario.lesson if own else None,
    )


def name_only(policy: str) -> str:
    """Return ``file.py:Class`` without the path to the file; any other name of a policy is returned unchanged."""
    return re.split(r"[/\\]", policy)[-1] if ":" in policy else policy


def _event(line: bytes) -> AnyEvent | None:
    """Return the cleaned event of a line, or None if it is not one."""
    try:
        event = decode(line)
        if b"\\" not in line and line.isascii() and line[:-1].decode().isprintable():
            return event
        if isinstance(event, Wrote):
            raw = None if event.raw is None else clean_terminal(event.raw)
            return replace(event, text=clean_console(event.text), raw=raw)
        wash = clean if isinstance(event, (Fault, Described)) else _line
        return decode(json.dumps(_harmless(json.loads(line), wash)))
    except _UNREADABLE:
        return None


def _line(text: str) -> str:
    return clean_line(text, _MAX_TEXT)


def _harmless(value: Any, wash: Any) -> Any:
    """Return a copy of a JSON value in which ``wash`` is applied to every text."""
    if isinstance(value, str):
        return wash(value)
    if isinstance(value, list):
        return [_harmless(item, wash) for item in value]
    if isinstance(value, dict):
        return {wash(str(key)): _harmless(item, wash) for key, item in value.items()}
    return value
