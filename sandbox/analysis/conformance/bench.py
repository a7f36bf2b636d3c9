"""What a judge needs for one file: rooms, as many as are used up, and the policies in them."""

from __future__ import annotations

import os
import stat
import time

from sandbox import policies
from sandbox.analysis.conformance.examinee import Examinee
from sandbox.analysis.conformance.messages import Classes, Refused, WhichClasses
from sandbox.analysis.conformance.room import Room, RoomEnded, nonce
from sandbox.analysis.conformance.trial import TOO_LONG, Candidate, Native
from sandbox.model.clause import Clause
from sandbox.model.values import BadValue
from sandbox.policies import choice
from sandbox.policies.host import validate
from sandbox.util.paths import NONBLOCK, PLAIN
from sandbox.util.text import clean_line


class Bench:
    """Makes rooms and policies, until the time is over. ``strict``: whether no policy is run if the system has no
    namespaces."""

    def __init__(self, limit_s: float, strict: bool = False) -> None:
        self._limit_s, self._strict = limit_s, strict
        self._give_up_s = time.monotonic() + limit_s
        self.rooms: list[Room] = []

    def room(self, what: str) -> Room:
        """Return a new room, in which the file of a policy can be read. Raises BadValue if there is no such file, or it
        is not readable."""
        file = file_of(what)
        if file is not None:
            _look(file, os.path.basename(what.partition(":")[0]))
        room = Room([] if file is None else [file], self._limit_s, self._give_up_s, self._strict)
        self.rooms.append(room)
        return room

    def examinee(self, source: str, room: Room, left_s: float | None = None, name: str | None = None) -> Examinee:
        """Return the policy in a room, with another ``name`` than its source if given. Its examination may take
        ``left_s`` seconds, by default until the time is over. Raises BadValue, also if the policy ends its room when it
        is loaded."""
        left_s = self._give_up_s - time.monotonic() if left_s is None else left_s
        try:
            return Examinee(name or source, resolved(source), room, left_s)
        except RoomEnded as ended:
            raise _lost(ended) from None

    def reference(self, text: str) -> Candidate:
        """Return the policy to which others are compared. Raises BadValue."""
        if text.partition(":")[0] in policies.BUILT_IN:
            return Native(*choice.parse(text))
        return self.examinee(text, self.room(text))

    def end(self) -> None:
        """End all rooms."""
        for room in self.rooms:
            room.end()


def _look(file: str, shown: str) -> None:
    """Check that a file is a plain one that may be read: opening a FIFO or a device could block. Raises BadValue."""
    try:
        descriptor = os.open(file, os.O_RDONLY | NONBLOCK | PLAIN)
        try:
            plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise BadValue("no such file", value=shown) from None
    except (OSError, ValueError) as error:
        raise BadValue("cannot be read", reason=clean_line(getattr(error, "strerror", "") or str(error))) from None
    if not plain:
        raise BadValue("not a plain file", value=shown)


def file_of(what: str) -> str | None:
    """Return the path of a policy's file with links resolved, since there are none in a room; None if it is not in a
    file."""
    file = what.partition(":")[0]
    return os.path.realpath(file) if file.endswith(".py") else None


def resolved(what: str) -> str:
    """Return the name of a policy with the resolved path of its file, which does not depend on the working
    directory."""
    file, colon, rest = what.partition(":")
    return f"{file_of(what) or file}{colon}{rest}"


def _lost(ended: RoomEnded) -> BadValue:
    """Return the error that there is no policy, because its room has ended."""
    nowhere = ended.what.rule == TOO_LONG and "file" not in ended.what.figures
    return BadValue.all([("", Clause("no answer") if nowhere else ended.what)])


def classes(file: str, room: Room) -> list[str]:
    """Return the classes of a file, without running it. Raises BadValue."""
    return [name for name in contents(file, room).names if name.isidentifier()]


def contents(file: str, room: Room) -> Classes:
    """Return the classes and imports of a file, without running it. Raises BadValue."""
    question = WhichClasses(nonce(), resolved(file))
    room.ask(question)
    try:
        answer = room.answer_or_refusal(question.nonce, Classes)
    except RoomEnded as ended:
        raise _lost(ended) from None
    if isinstance(answer, Refused):
        raise validate.bad_value(BadValue.all(answer.faults or [("", Clause("answers do not fit"))]))
    return answer
