"""The reader's own programs among the processes, which would be lost with the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sandbox.model.events import Admitted, Booted, Event, Exited
from sandbox.model.retirement import Dead
from sandbox.model.spec import Scenario
from sandbox.scenario import built_in_folder
from sandbox.util.text import clean_line
from sandbox.views.board import Board


class OwnPrograms:
    """The programs that the reader has started, the commands of a scenario of theirs after they have typed something
    into one (until then, running it again restores everything), and the children of both."""

    def __init__(self, scenario: Scenario) -> None:
        own = scenario.folder != str(built_in_folder())
        self._commands = {process.name for process in scenario.processes if own and process.command is not None}
        #: The command lines that the reader has asked for and that have not arrived yet, with their numbers.
        self._awaited: Counter[str] = Counter()
        #: The reader's processes, kept as long as a child of theirs may arrive.
        self._pids: set[int] = set()
        #: For commands of the scenario and their descendants: the pid of the command.
        self._commanded: dict[int, int] = {}
        self._dead = Dead()
        #: The process that the reader has started last, until ``take_new`` is called.
        self._new: int | None = None

    def ask(self, argv: Sequence[str]) -> None:
        """Note that the reader has asked for a program to be started."""
        self._awaited[clean_line(" ".join(argv))] += 1

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Admitted():
                self._admit(event)
            case Exited(pid=pid):
                for gone in self._dead.add(pid):
                    self._pids.discard(gone)
                    self._commanded.pop(gone, None)
            case Booted(kept=kept):
                self._dead = Dead(kept)

    def _admit(self, event: Admitted) -> None:
        asked = event.order is None and event.parent is None and self._awaited[event.runs] > 0
        if asked:
            self._awaited[event.runs] -= 1
            self._new = event.pid
        if asked or event.parent in self._pids:
            self._pids.add(event.pid)
        if event.order is not None and event.name in self._commands:
            self._commanded[event.pid] = event.pid
        elif event.parent in self._commanded:
            self._commanded[event.pid] = self._commanded[event.parent]

    def type(self, pid: int) -> None:
        """Note that the reader types something into a process."""
        command = self._commanded.get(pid)
        self._pids.update(each for each, of in self._commanded.items() if of == command)

    def take_new(self) -> int | None:
        """Return the pid of the process that the reader has started since the last call, or None."""
        new, self._new = self._new, None
        return new

    def are_all(self, board: Board) -> bool:
        """Whether all processes that have not ended are the reader's."""
        living = {pid for pid, row in board.rows.items() if row.exited is None}
        return bool(living) and living <= self._pids

    def alive(self, board: Board) -> list[int]:
        """Return the pids of the reader's processes that have not ended, sorted."""
        return sorted(pid for pid in self._pids if pid in board.rows and board.rows[pid].exited is None)
