"""The point of a run that is looked at: the present, or any point of the past."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.tui.state.chronicle import Chronicle
from sandbox.tui.state.listing import Listing
from sandbox.tui.state.tree import Member, ProcessTree
from sandbox.views.board import Board
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History


class Viewpoint:
    """All events of a run, and the point that is looked at. ``present_ns`` returns the present time of the run, in ns,
    which advances between events too."""

    def __init__(self, present_ns: Callable[[], int]) -> None:
        self.past = EventLog()
        #: The events as lines of text.
        self.chronicle = Chronicle(self.past)
        #: The filter and order of the process lists.
        self.listing = Listing()
        #: The number of moves to other points so far: state that is valid for one point only compares it.
        self.moves = 0
        self._present_ns = present_ns
        self._tree = ProcessTree()
        #: The point looked at (None: the present), and the time there.
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
        """The run at the point looked at."""
        return self._seen or self.past.live

    @property
    def board(self) -> Board:
        return self.moment.board

    @property
    def history(self) -> History:
        return self.moment.history

    @property
    def names(self) -> dict[int, str]:
        """The unique name of each process, by pid, in order of birth."""
        return self.moment.names

    @property
    def tree(self) -> ProcessTree:
        """The process tree, including processes born after the point looked at, and what is folded away."""
        self._tree.grow(self.live.board.rows)
        return self._tree

    @property
    def members(self) -> Sequence[Member]:
        """The processes to list, in order."""
        return self.listing.members(self.tree.members, self)

    @property
    def present_ns(self) -> int:
        return self._present_ns()

    @property
    def now_ns(self) -> int:
        """The time looked at, in ns."""
        return self._seen_ns if self.looks_back else self.present_ns

    def cpu_ns(self, pid: int) -> int:
        """Return the CPU time, in ns, that a process has used so far, including its present time slice."""
        row = self.board.rows[pid]
        if row.cpu is not None and self.board.running.get(row.cpu) == pid:
            return row.cpu_ns + self.now_ns - row.since_ns
        return row.cpu_ns

    # Moves

    def back(self) -> None:
        """Go back to the last scheduling decision before the point looked at."""
        some_time_later = self.now_ns > self.board.now_ns
        self.see(max(self.past.decision_before(self.moment.index + some_time_later), 1))

    @property
    def next_decision(self) -> int:
        """The point just after the next decision, seen from the point looked at."""
        return self.past.decision_after(self.moment.index)

    def to_start(self) -> None:
        """Go to the point at which the machine was up and nothing had run."""
        self.go(1)

    def to_present(self) -> None:
        self.go(len(self.past))

    def to_next_change(self, pid: int) -> bool:
        """Go to the next change of a process's state. Returns False if there is none."""
        index = self.past.next_of(pid, self.moment.index)
        if index is not None:
            self.go(index)
        return index is not None

    def look_at(self, t_ns: int) -> None:
        """Go to a time of the run, after all events up to then."""
        self.moves += 1
        if t_ns >= self.present_ns:
            self._seen = None
        else:
            index = max(self.past.index_at(t_ns), 1)
            self._seen, self._seen_ns = self.past.at(index, self._seen), max(t_ns, 0)

    def go(self, index: int) -> None:
        """Go to the point after ``index`` events; after the last one, to the present."""
        if index < len(self.past):
            self.see(index)
        else:
            self.moves += 1
            self._seen = None

    def see(self, index: int) -> None:
        """Go to the point after ``index`` events, as a point of the past even if it is the last one."""
        self.moves += 1
        self._seen = self.past.at(index, self._seen)
        self._seen_ns = self._seen.board.now_ns
