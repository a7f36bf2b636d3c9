"""Programs of the reader's own among the processes: what would be lost with the run."""

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
    """Those that the reader has started, the commands of a scenario of theirs once they have typed something into one
    (before, running it again makes up for all), and the children of either."""

    def __init__(self, scenario: Scenario) -> None:
        own = scenario.folder != str(built_in_folder())
        self._commands = {process.name for process in scenario.processes if own and process.command is not None}
        #: What has been asked for and is not there yet, as it will be told of.
        self._awaited: Counter[str] = Counter()
        #: Those that there are or were, as long as a child of theirs may be told of.
        self._pids: set[int] = set()
        #: Those that descend from a command of the scenario, or are one: which.
        self._commanded: dict[int, int] = {}
        self._dead = Dead()
        #: The last one that the reader has started, until somebody looks.
        self._new: int | None = None

    def ask(self, argv: Sequence[str]) -> None:
        """The reader wants this to run."""
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
        """The reader types something into one."""
        command = self._commanded.get(pid)
        self._pids.update(each for each, of in self._commanded.items() if of == command)

    def take_new(self) -> int | None:
        """The one that the reader has started since the last call."""
        new, self._new = self._new, None
        return new

    def alive(self, board: Board) -> list[int]:
        """Those that have not ended."""
        return sorted(pid for pid in self._pids if pid in board.rows and board.rows[pid].exited is None)
