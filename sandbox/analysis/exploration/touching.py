"""What the turns of a run have touched that others see, from the predictions for their lines and from what was
observed.

A turn may have let others go on who waited for that process. What those touch belongs to the turn as well.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.analysis.exploration.runs import Touch
from sandbox.model.events import Admitted, Blocked, Event, Exited, Fault, Stepped, Wrote
from sandbox.programs.stepping.touches import UNKNOWN

if TYPE_CHECKING:
    from sandbox.machines.linux.stepping.tasks import Task as Thread
    from sandbox.machines.linux.stepping.world import World

#: Things other than memory that are touched: output; ends of processes; waits; contents of pipes; births; what claims
#: are about.
_OUT, _END, _WAITS, _PIPES, _BIRTH, _CLAIMS = "out", "end", "waits", "pipes", "birth", "claims"
_SPINS = "spins"
#: A turn that touches more words of memory counts as one that may touch anything.
_MAX_WORDS = 256
_WORD = 4


class Touching:
    """Collects what turns touch. ``world``: knows which memory is shared."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.turns: list[Touch | None] = []
        #: For each turn, whether no other process was involved, and its process could go on after it.
        self.alone: list[bool] = []
        #: At the beginning of the present turn: the pid of its process (0: there is no turn), what each process is
        #: about to touch, and the shared state.
        self._pid = 0
        self._about: dict[int, tuple[int, str]] = {}
        self._before: Hashable | None = None
        #: What was observed since: the processes that have gone on, those that were born, and what else happened.
        self._moved: set[int] = set()
        self._born: set[int] = set()
        self._seen: set[str] = set()
        self._unclear = self._is_alone = False
        self._thread: Thread | None = None

    def see(self, event: Event) -> None:
        """Take in an event of the present turn."""
        match event:
            case Stepped(pid=pid):
                self._moved.add(pid)
            case Wrote():
                self._seen.add(_OUT)
            case Exited(pid=pid):
                self._moved.add(pid)
                self._seen.add(_END)
            case Blocked(pid=pid, on=on):
                self._is_alone = False
                if on.rule != _SPINS:
                    self._moved.add(pid)
                    self._seen.add(_WAITS)
            case Admitted(pid=pid):
                self._born.add(pid)
            case Fault():
                self._unclear, self._is_alone = True, False

    def claimed(self) -> None:
        """Note that something has happened in the present turn that a claim is about."""
        self._seen.add(_CLAIMS)

    def begin(self, thread: Thread, threads: Mapping[str, Thread], shared: Hashable | None) -> None:
        """Begin a turn. ``shared``: the shared state; None if it was not read."""
        self._pid, self._before, self._thread = thread.pid, shared, thread
        self._is_alone = bool(thread.place.line)
        self._about = {each.pid: (each.body.os_pid, each.touches) for each in threads.values()}
        self._moved, self._born, self._seen = set(), set(), set()
        self._unclear = shared is None or not thread.place.line

    def end(self, shared: Hashable | None) -> None:
        """End the present turn."""
        if self._pid and self._thread is not None:
            self.turns.append(None if self._unclear else self._touch(shared))
            company = self._moved - {self._pid} or self._born or _END in self._seen or self._thread.has_company
            self.alone.append(self._is_alone and not company)
        self._pid = 0

    def _touch(self, shared: Any) -> Touch | None:
        reads: set[str] = set()
        writes = set(self._seen)
        for pid in {self._pid, *self._moved} - self._born:
            os_pid, told = self._about.get(pid, (0, UNKNOWN))
            if told == UNKNOWN or not self._take(os_pid, told.split(), reads, writes):
                return None
        if self._born and _BIRTH not in writes:
            return None
        if shared is not None and self._before is not None and not _is_told(self._before, shared, writes):
            return None
        return Touch(frozenset(reads - writes), frozenset(writes))

    def _take(self, os_pid: int, told: Iterable[str], reads: set[str], writes: set[str]) -> bool:
        """Add what the hook has predicted for a line. Return False if the line may touch anything."""
        for each in told:
            what, target = each[1:], writes if each[0] == "w" else reads
            address, _, length = what.partition(":")
            if not length:
                target.add(what)
                continue
            first, last = int(address), int(address) + int(length) - 1
            piece = self._world.piece(os_pid, first)
            if piece is None:
                continue  # not shared
            name, begin = piece
            words = range((first - begin) // _WORD, (last - begin) // _WORD + 1)
            if len(words) > _MAX_WORDS:
                return False
            target.update(f"{name}+{word}" for word in words)
        return True


def _is_told(before: Any, after: Any, writes: set[str]) -> bool:
    """Whether all changes were predicted."""
    if before == after:
        return True
    (memory, files, pipes), (memory_now, files_now, pipes_now) = before, after
    if files != files_now or (pipes != pipes_now and _PIPES not in writes):
        return False
    held = dict(memory)
    return all(
        f"{name}+{word}" in writes
        for name, data in memory_now
        if name in held and held[name] != data
        for word in _changed(held[name], data)
    )


def _changed(before: bytes, after: bytes) -> Iterable[int]:
    """Yield the numbers of the words that differ."""
    for at in range(0, min(len(before), len(after)), 64):
        if before[at : at + 64] != after[at : at + 64]:
            yield from (
                word // _WORD
                for word in range(at, at + 64, _WORD)
                if before[word : word + _WORD] != after[word : word + _WORD]
            )
