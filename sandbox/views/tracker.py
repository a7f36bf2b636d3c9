"""Tracking of a lesson's happenings, and of the figures that processes print, in the events of a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sandbox.model.claims import DEADLOCK, OPERATOR, Happening
from sandbox.model.events import (
    Admitted,
    Adopted,
    Blocked,
    Booted,
    Deadlocked,
    Dispatched,
    Event,
    Exited,
    Operator,
    PolicyNote,
    Ready,
    Reaped,
    Waits,
    Wrote,
    Zombie,
)
from sandbox.model.retirement import Dead

_MAX_LINE = 2_000
_MAX_PRINTED = 200
_PRINTED = re.compile(r"(?:([\w-]+): )?(\w+ = [^,]+(?:, \w+ = [^,]+)*)")


class Times:
    """How often something has happened so far, and when first (ns; None: never)."""

    __slots__ = ("first_ns", "number")

    def __init__(self) -> None:
        self.number = 0
        self.first_ns: int | None = None

    def add(self, t_ns: int) -> None:
        self.number += 1
        if self.first_ns is None:
            self.first_ns = t_ns


class LessonTracker:
    """Counts happenings and records steps in the events of a run. A process is identified by its path: its name, or its
    parent's path and its ordinal among the parent's children (``boss/1``) or, of a thread, threads (``boss.1``).
    ``happenings``: the happenings to count; ``steps``: the happenings that the lesson waits for, in order."""

    def __init__(self, happenings: Iterable[Happening] = (), steps: Sequence[Happening] = ()) -> None:
        self.times: dict[Happening, Times] = {happening: Times() for happening in (*happenings, *steps)}
        #: The time (ns) at which each finished step was reached.
        self.reached: list[int] = []
        self.paths: dict[int, str] = {}
        self.children: Counter[str] = Counter()
        #: Values that processes have printed as ``name = value``, by ``path.name``.
        self.printed: dict[str, str] = {}
        self._steps = steps
        self._by_verb: dict[str, list[Happening]] = {}
        for happening in self.times:
            self._by_verb.setdefault(happening.verb, []).append(happening)
        self._lines: dict[int, str] = {}
        self._dead = Dead()

    def add(self, event: Event) -> None:
        """Apply the next event."""
        match event:
            case Booted(kept=kept):
                self._dead = Dead(kept)
            case Admitted(pid=pid):
                self.paths[pid] = self._path(event)
                if event.order is not None:
                    self._dead.spare(pid)
                self._happens(event.t_ns, pid, "is born")
            case Ready(pid=pid, reason=reason) if reason in _READY:
                self._happens(event.t_ns, pid, _READY[reason])
            case Dispatched(pid=pid):
                self._happens(event.t_ns, pid, "runs")
            case Blocked(pid=pid, on=on):
                self._happens(event.t_ns, pid, "blocks on", on.rule)
                if event.is_stop:
                    self._happens(event.t_ns, pid, "is stopped")
            case Waits(pid=pid, holders=[], by="seen" | "said") if pid in self.paths:
                self._happens(event.t_ns, pid, "is abandoned")
            case Deadlocked(pids=pids, may_end=False):
                self._deadlock(event.t_ns, [self.paths[pid] for pid in pids if pid in self.paths])
            case Exited(pid=pid, code=code, signal=signal):
                self._write(event.t_ns, pid, "\n")
                self._happens(event.t_ns, pid, "exits", "" if code is None else str(code))
                if signal is not None:
                    self._happens(event.t_ns, pid, "is killed")
                for gone in self._dead.add(pid):
                    self._forget(gone)
            case Zombie(pid=pid) | Reaped(pid=pid) | Adopted(pid=pid) if pid in self.paths:
                self._happens(event.t_ns, pid, _FAMILY[type(event).__name__])
            case Wrote(pid=pid, text=text) if pid in self.paths:
                self._write(event.t_ns, pid, text)
            case PolicyNote(pid=int() as pid, note=note) if pid in self.paths:
                self._happens(event.t_ns, pid, "is", note.rule)
            case Operator(did=did) if did.figures.get("by", OPERATOR) == OPERATOR:
                self._operates(event.t_ns, " ".join(map(str, (did.rule, *did.figures.values()))))

    def _path(self, event: Admitted) -> str:
        parent = None if event.parent is None else self.paths.get(event.parent)
        if parent is None or event.name.rpartition(".")[0] == parent:
            return event.name  # threads have names of their own, and are not counted as children
        self.children[parent] += 1
        return f"{parent}/{self.children[parent]}"

    def _forget(self, pid: int) -> None:
        """Forget a retired process, which the scenario does not name."""
        path = self.paths.pop(pid)
        self._lines.pop(pid, None)
        del self.children[path]

    def _happens(self, t_ns: int, pid: int, verb: str, what: str = "") -> None:
        for happening in self._by_verb.get(verb, ()):
            if happening.what in ("", what) and _means(happening.who, self.paths[pid]):
                self._came(happening, t_ns)

    def _deadlock(self, t_ns: int, paths: Sequence[str]) -> None:
        for happening in self._by_verb.get(DEADLOCK, ()):
            if all(any(_means(who, path) for path in paths) for who in happening.names):
                self._came(happening, t_ns)

    def _operates(self, t_ns: int, did: str) -> None:
        for happening in self._by_verb.get("did", ()):
            if f"{did} ".startswith(f"{happening.what} "):
                self._came(happening, t_ns)

    def _write(self, t_ns: int, pid: int, text: str) -> None:
        """Split what a process writes into lines, and check each complete one."""
        *lines, rest = (self._lines.get(pid, "") + text).split("\n")
        self._lines[pid] = rest[:_MAX_LINE]
        for line in lines:
            self._note(self.paths[pid], line)
            for happening in self._by_verb.get("writes", ()):
                if happening.what in line and _means(happening.who, self.paths[pid]):
                    self._came(happening, t_ns)

    def _came(self, happening: Happening, t_ns: int) -> None:
        self.times[happening].add(t_ns)
        if len(self.reached) < len(self._steps) and self._steps[len(self.reached)] == happening:
            self.reached.append(t_ns)
            while len(self.reached) < len(self._steps) and self._is_past(self._steps[len(self.reached)]):
                self.reached.append(t_ns)

    def _is_past(self, step: Happening) -> bool:
        """Whether a step has already happened and cannot happen again."""
        return step.verb in _ONCE and self.times[step].number > 0 and "*" not in step.who

    def _note(self, path: str, line: str) -> None:
        """Store figures printed in the form ``x = 5``, ``x = 5, y = 6`` or ``child: x = 5``."""
        match = _PRINTED.fullmatch(line.strip())
        if match is None or len(self.printed) >= _MAX_PRINTED:
            return
        label = f"{match[1]}." if match[1] else ""
        for pair in match[2].split(", "):
            name, _, value = pair.partition(" = ")
            self.printed[f"{path}.{label}{name}"] = value.strip()


#: Verbs that happen to a process only once, at its end. Which of two processes ends first is not determined, so such a
#: step may happen before the lesson waits for it.
_ONCE = ("exits", "is killed")
_FAMILY = {"Zombie": "is a zombie", "Reaped": "is reaped", "Adopted": "is adopted"}
_READY = {"woke": "wakes", "expired": "uses up its slice", "preempted": "is preempted"}


def _means(who: str, path: str) -> bool:
    """Whether a name in a lesson means the process with a path; ``boss/*`` is any child of boss."""
    if who.endswith("/*"):
        return path.rpartition("/")[0] == who[:-2]
    return who == path
