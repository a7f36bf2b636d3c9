"""The judge: ``python -m sandbox.analysis.conformance``, one for each file that is examined.

It runs nobody's code. Whoever is examined lives in a room of its own, below this process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from sandbox import policies
from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.examinee import Examinee
from sandbox.analysis.conformance.messages import (
    Begun,
    Classes,
    Done,
    ExamineTask,
    Judged,
    Refused,
    Trying,
    WhichClasses,
    decode_task,
)
from sandbox.analysis.conformance.room import Room, RoomEnded, nonce
from sandbox.analysis.conformance.trial import Candidate, Native
from sandbox.analysis.conformance.workloads import worlds
from sandbox.link.worker import Tell, serve
from sandbox.model.events import Clause
from sandbox.model.values import BadValue
from sandbox.policies import choice
from sandbox.policies.host import validate

#: Classes of one file that are examined.
_MAX_CLASSES = 50


class Bench:
    """What the judge needs for one file: rooms, as many as are used up, until the time is over."""

    def __init__(self, task: ExamineTask) -> None:
        self._task = task
        self._give_up_s = time.monotonic() + task.limit_s
        self._rooms: list[Room] = []

    def room(self, what: str) -> Room:
        """A new one, in which the file of a policy can be read."""
        file = _file(what)
        room = Room([] if file is None else [file], self._task.limit_s, self._give_up_s)
        self._rooms.append(room)
        return room

    def examinee(self, source: str, room: Room) -> Examinee:
        """Raises BadValue, also where it ends its room when it is loaded."""
        try:
            return Examinee(source, _resolved(source), room, self._give_up_s - time.monotonic())
        except RoomEnded as ended:
            raise BadValue.all([("", ended.what)]) from None

    def end(self) -> None:
        """End all rooms."""
        for room in self._rooms:
            room.end()


def examine_all(task: ExamineTask, tell: Tell) -> None:
    """Examine every policy that is meant. Raises BadValue where there is none."""
    bench = Bench(task)
    try:
        like = _like(task.like, bench)
        generated = worlds(task.seed, task.worlds)
        for candidate in _examinees(task.what, bench):
            tell(Begun(candidate.name))
            for verdict in examine(candidate, like, generated, lambda number: tell(Trying(number))):
                tell(Judged(verdict))
        tell(Done())
    finally:
        bench.end()


def _file(what: str) -> str | None:
    """The file of a policy, wherever links lead: in a room there are none."""
    file = what.partition(":")[0]
    return os.path.realpath(file) if file.endswith(".py") else None


def _resolved(what: str) -> str:
    """The same policy, whatever folder one is in."""
    file, colon, rest = what.partition(":")
    return f"{_file(what) or file}{colon}{rest}"


def _like(text: str | None, bench: Bench) -> Candidate | None:
    if text is None:
        return None
    if text.partition(":")[0] in policies.BUILT_IN:
        return Native(*choice.parse(text))
    return bench.examinee(text, bench.room(text))


def _examinees(what: str, bench: Bench) -> Iterator[Examinee]:
    """The policies that are meant, each in a room of its own when its turn comes. Raises BadValue before the first, if
    one of them cannot be had."""
    room = bench.room(what)
    if not what.endswith(".py"):
        yield bench.examinee(what, room)
        return
    found: list[Examinee] = []
    for name in _classes(what, room)[:_MAX_CLASSES]:
        try:
            found.append(bench.examinee(f"{what}:{name}", room))
        except BadValue as bad:
            if bad.what.rule != "not a policy":
                raise
    if not found:
        raise BadValue("no policy in the file", value=os.path.basename(what))
    yield found[0]
    for candidate in found[1:]:
        yield bench.examinee(candidate.name, bench.room(what))


def _classes(file: str, room: Room) -> list[str]:
    question = WhichClasses(nonce(), _resolved(file))
    room.ask(question)
    try:
        answer = room.answer(question.nonce, Classes | Refused)  # type: ignore[arg-type]
    except RoomEnded as ended:
        raise BadValue.all([("", ended.what)]) from None
    if isinstance(answer, Refused):
        raise validate.bad_value(BadValue.all(answer.faults or [("", Clause("answers do not fit"))]))
    return [name for name in answer.names if name.isidentifier()]


if __name__ == "__main__":
    if sys.platform == "linux":
        from sandbox.link.client import adopt_orphans

        adopt_orphans()
    serve(decode_task, examine_all)
