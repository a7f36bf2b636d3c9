"""The point of a run that somebody looks at: its present, or any moment of its past."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.tui.state.tree import ProcessTree
from sandbox.views.board import Board
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History


class Viewpoint:
    """All that has happened in a run, and where in it one looks. ``present_ns``: what time it is in the run, which goes
    on between its events."""

    def __init__(self, present_ns: Callable[[], int]) -> None:
        self.past = EventLog()
        #: How often somebody has turned to another point: what holds only until then compares it.
        self.moves = 0
        self._present_ns = present_ns
        self._tree = ProcessTree()
        #: What is looked at while that is not the present, and what the time is there.
        self._seen: Moment | None = None
        self._seen_ns = 0

    @property
    def live(self) -> Moment:
        """The run as it stands now, whatever is looked at."""
        return self.past.live

    @property
    def looks_back(self) -> bool:
        """Whether the past is looked at."""
        return self._seen is not None

    @property
    def moment(self) -> Moment:
        """What is looked at."""
        return self._seen or self.past.live

    @property
    def board(self) -> Board:
        return self.moment.board

    @property
    def history(self) -> History:
        return self.moment.history

    @property
    def names(self) -> dict[int, str]:
        """Every process's name, by pid, in order of birth."""
        return self.moment.names

    @property
    def tree(self) -> ProcessTree:
        """Who started whom, later births than what is looked at included, and who is folded away."""
        self._tree.grow(self.live.board.rows)
        return self._tree

    @property
    def present_ns(self) -> int:
        return self._present_ns()

    @property
    def now_ns(self) -> int:
        """The time that is looked at."""
        return self._seen_ns if self.looks_back else self.present_ns

    def cpu_ns(self, pid: int) -> int:
        """CPU time used by a process so far, what it has run of its present slice included."""
        row = self.board.rows[pid]
        if row.cpu is not None and self.board.running.get(row.cpu) == pid:
            return row.cpu_ns + self.now_ns - row.since_ns
        return row.cpu_ns

    # Moves

    def back(self) -> None:
        """One scheduling decision back: to the last one that was made before what is looked at."""
        some_time_later = self.now_ns > self.board.now_ns
        self.see(max(self.past.decision_before(self.moment.index + some_time_later), 1))

    @property
    def next_decision(self) -> int:
        """The point at which the next decision after what is looked at has been made."""
        return self.past.decision_after(self.moment.index)

    def to_start(self) -> None:
        """To the moment when the machine was up and nothing had run."""
        self.go(1)

    def to_present(self) -> None:
        self.go(len(self.past))

    def to_next_change(self, pid: int) -> bool:
        """To the next change of a process; False if there is none."""
        index = self.past.next_of(pid, self.moment.index)
        if index is not None:
            self.go(index)
        return index is not None

    def look_at(self, t_ns: int) -> None:
        """To a time of the run, after what happened by then."""
        self.moves += 1
        if t_ns >= self.present_ns:
            self._seen = None
        else:
            index = max(self.past.index_at(t_ns), 1)
            self._seen, self._seen_ns = self.past.at(index, self._seen), max(t_ns, 0)

    def go(self, index: int) -> None:
        """To the point after so many events; that after the last one is the present."""
        if index < len(self.past):
            self.see(index)
        else:
            self.moves += 1
            self._seen = None

    def see(self, index: int) -> None:
        """To the point after so many events, as one of the past even if nothing has happened since."""
        self.moves += 1
        self._seen = self.past.at(index, self._seen)
        self._seen_ns = self._seen.board.now_ns
