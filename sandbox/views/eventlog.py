"""All events of a run, and the state of the run after any of them. Live runs and recordings use the same log.

Events are kept in chapters. Each chapter begins with the state of the run at that point, so any point of the past is
reached by folding the events of at most one chapter, whatever the length of the run. Only the last chapter is in
memory; closed ones are on the shelf, as compressed lines.
"""

from __future__ import annotations

import pickle
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from sandbox.model.events import (
    Admitted,
    Became,
    Blocked,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Operator,
    PolicyNote,
    Ready,
    decode,
    encode,
)
from sandbox.model.naming import distinct
from sandbox.views.board import Board
from sandbox.views.history import History, Mark
from sandbox.views.shelf import Place, Shelf

#: The least number of events of a chapter, in all and per process, so that its state costs little compared with them.
_CHAPTER, _CHAPTER_PER_PROCESS = 4_096, 8
#: The events by which a process changes its state.
_CHANGES = (Ready, Dispatched, Blocked, Exited)
_NOWHERE = Place(0, 0)
#: The number of decoded chapters to cache: a screen may show the end of one and the beginning of the next.
_MAX_READ = 2


class Moment:
    """The state of a run after ``index`` of its events."""

    def __init__(self) -> None:
        self.index = 0
        self.board = Board()
        self.history = History(keeps_slices=False)
        #: The unique name of each process, by pid, in order of birth.
        self.names: dict[int, str] = {}

    def apply(self, event: Event) -> None:
        """Apply the next event. Raises IllegalTransition if it cannot have happened."""
        self.index += 1
        self.board.apply(event)
        self.history.add(event)
        if isinstance(event, (Admitted, Became)):
            if (row := self.board.rows.get(event.pid)) is not None:
                self.names[event.pid] = row.called = self._name(event.pid, event.name)
        elif isinstance(event, Exited) and len(self.names) > len(self.board.rows):
            for pid in [pid for pid in self.names if pid not in self.board.rows]:
                del self.names[pid]

    def _name(self, pid: int, name: str) -> str:
        """Return a unique name for a process: its own, with a number added if it is taken."""
        if name not in self.names.values() or self.names.get(pid) == name:
            return name
        row = self.board.rows[pid]
        above = self.board.rows.get(row.admitted.parent or 0)
        parent = None if above is None else self.names.get(above.pid)
        return distinct(name, pid, parent, above is not None and above.name == name, row.ordinal)


class _State(NamedTuple):
    """The state of a run at the beginning of a chapter."""

    board: Board
    names: dict[int, str]
    mark: Mark


class _Chapter:
    """A range of events, from index ``first`` and time ``t_ns`` on, and the state of the run before them."""

    def __init__(self, moment: Moment, t_ns: int) -> None:
        self.first = moment.index
        self.t_ns = t_ns
        #: The number of scheduling decisions in it, once it is closed.
        self.made = 0
        self._state: _State | None = _State(moment.board.copy(), dict(moment.names), moment.history.mark())
        self._lines, self._decisions, self._begin = _NOWHERE, _NOWHERE, _NOWHERE

    def close(self, shelf: Shelf, events: Sequence[Event], decisions: array[int]) -> None:
        """End the chapter, and put it on the shelf."""
        self.made = len(decisions)
        self._lines = shelf.put(b"".join(map(encode, events)))
        steps = array("I", map(sub, decisions, [self.first, *decisions]))  # small numbers compress well
        self._decisions = shelf.put(steps.tobytes())
        self._begin, self._state = shelf.put(pickle.dumps(self._state, pickle.HIGHEST_PROTOCOL)), None

    def lines(self, shelf: Shelf) -> bytes:
        """Return its events, each as a line of JSON."""
        return shelf.get(self._lines)

    def decisions(self, shelf: Shelf) -> array[int]:
        """Return the index of each scheduling decision."""
        steps = array("I")
        steps.frombytes(shelf.get(self._decisions))
        return array("q", accumulate(steps, initial=self.first))[1:]

    def state(self, shelf: Shelf) -> _State:
        """Return the state of the run before it."""
        # Unpickling is safe: only this class writes to the shelf, and no other process can reach it.
        state: _State = self._state or pickle.loads(shelf.get(self._begin))  # noqa: S301 - pickled by this class
        return state

    def begin(self, shelf: Shelf, history: History) -> Moment:
        """Return the moment before it. ``history``: a later history of the same run."""
        state, moment = self.state(shelf), Moment()
        moment.index, moment.board, moment.names = self.first, state.board.copy(), dict(state.names)
        moment.history = history.back_to(state.mark)
        return moment


class EventLog:
    """The events of a run, added one by one. ``live``: the state of the run after all of them."""

    def __init__(self) -> None:
        self.live = Moment()
        self._shelf = Shelf()
        self._chapters = [_Chapter(self.live, 0)]
        #: The events of the last chapter, and the index of each scheduling decision in it.
        self._open: list[Event] = []
        self._decisions = array("q")
        #: Cache of the decoded events of the closed chapters that were read last, by chapter number.
        self._read: dict[int, Sequence[Event]] = {}

    def __len__(self) -> int:
        return self.live.index

    def add(self, event: Event) -> None:
        """Add the next event. Raises IllegalTransition if it cannot have happened."""
        live = self.live
        if len(self._open) >= _CHAPTER and event.t_ns > live.history.now_ns:
            if len(self._open) >= _CHAPTER_PER_PROCESS * len(live.names):
                self._chapters[-1].close(self._shelf, self._open, self._decisions)
                self._open, self._decisions = [], array("q")
                self._chapters.append(_Chapter(live, event.t_ns))
        live.apply(event)
        self._open.append(event)
        if isinstance(event, Dispatched) and event.is_decision:
            self._decisions.append(live.index - 1)

    def at(self, index: int, near: Moment | None = None) -> Moment:
        """Return the state of the run after ``index`` events. ``near``: a moment shortly before, to start from; it must
        not be used afterwards, as it may be changed and returned."""
        index = max(min(index, len(self)), 0)
        number = self._number(index)
        moment = near
        if moment is None or not self._chapters[number].first <= moment.index <= index:
            moment = self._chapters[number].begin(self._shelf, self.live.history)
        for event in self._events(number, moment.index)[: index - moment.index]:
            moment.apply(event)
        return moment

    def index_at(self, t_ns: int) -> int:
        """Return the number of events up to and including the instant ``t_ns``."""
        number = max(bisect_right(self._chapters, t_ns, key=lambda chapter: chapter.t_ns) - 1, 0)
        events = self._events(number)
        return self._chapters[number].first + bisect_right(events, t_ns, key=lambda event: event.t_ns)

    def decision_before(self, index: int) -> int:
        """Return the point just after the last decision before ``index``; 0 if there was none."""
        for number in range(self._number(index), -1, -1):
            made = self._made(number)
            place = bisect_left(made, index - 1) - 1
            if place >= 0:
                return made[place] + 1
        return 0

    def decision_after(self, index: int) -> int:
        """Return the point just after the next decision; the end of the log if there is none."""
        for number in range(self._number(index), len(self._chapters)):
            made = self._made(number)
            place = bisect_left(made, index)
            if place < len(made):
                return made[place] + 1
        return len(self)

    def question(self, made: int) -> tuple[int, Dispatched] | None:
        """For the point just after a decision, return the last point before it that gives nothing of it away (neither a
        preempted process nor the policy's notes), and the decision. Return None if no decision was made there."""
        if self.decision_after(made - 1) != made:
            return None
        number = self._number(made - 1)
        *events, decision = self._events(number)[: made - self._chapters[number].first]
        if not isinstance(decision, Dispatched):
            return None
        point = made - 1
        while events and events[-1].t_ns == decision.t_ns and _gives_away(events.pop()):
            point -= 1
        return point, decision

    def next_of(self, pid: int, index: int) -> int | None:
        """Return the point just after the next change of a process's state; None if there is none."""
        t_ns = self.live.history.now_ns
        for at, event in self._from(index):
            if event.t_ns > t_ns:
                break
            t_ns = event.t_ns
            if isinstance(event, _CHANGES) and event.pid == pid:
                return at + 1
        life = self.live.history.lives.get(pid)
        if life is None:
            return None
        times = life.track.times
        place = bisect_right(times, t_ns)
        if place == len(times):
            return None
        at = self.index_at(times[place] - 1)
        return next(index + 1 for index, event in self._from(at) if isinstance(event, _CHANGES) and event.pid == pid)

    def between(self, first: int, last: int) -> Sequence[Event]:
        """Return the events from index ``first`` up to, but not including, ``last``, but at most to the end of the
        first one's chapter: for more, call again."""
        number = self._number(first)
        begin = self._chapters[number].first
        if number == len(self._chapters) - 1:
            return self._open[first - begin : last - begin]
        if number not in self._read:
            self._read = {**dict([*self._read.items()][1 - _MAX_READ :]), number: self._events(number)}
        return self._read[number][first - begin : last - begin]

    def chapter(self, index: int) -> int:
        """Return the index of the first event of the chapter that contains an event."""
        return self._chapters[self._number(index)].first

    def called_before(self, first: int) -> dict[int, str]:
        """Return the processes' own names, by pid, before the ``first`` event of a chapter."""
        rows = self._chapters[self._number(first)].state(self._shelf).board.rows
        return {pid: row.name for pid, row in rows.items()}

    def blocks(self) -> Iterator[bytes]:
        """Yield all events as lines of JSON, one chapter at a time."""
        for chapter in self._chapters[:-1]:
            yield chapter.lines(self._shelf)
        yield b"".join(map(encode, self._open))

    def _number(self, index: int) -> int:
        """Return the number of the chapter that contains a point."""
        return max(bisect_right(self._chapters, index, key=lambda chapter: chapter.first) - 1, 0)

    def _made(self, number: int) -> array[int]:
        """Return the index of each scheduling decision in a chapter."""
        chapter = self._chapters[number]
        if number == len(self._chapters) - 1:
            return self._decisions
        return chapter.decisions(self._shelf) if chapter.made else array("q")

    def _from(self, index: int) -> Iterator[tuple[int, Event]]:
        number = self._number(index)
        for later in range(number, len(self._chapters)):
            first = max(index, self._chapters[later].first)
            yield from enumerate(self._events(later, first), first)

    def _events(self, number: int, index: int = 0) -> Sequence[Event]:
        """Return the events of a chapter from an index on."""
        chapter = self._chapters[number]
        skip = max(index - chapter.first, 0)
        if number == len(self._chapters) - 1:
            return self._open[skip:]
        return [decode(line) for line in chapter.lines(self._shelf).splitlines()[skip:]]


def _gives_away(event: Event) -> bool:
    """Whether an event just before a decision gives the decision away."""
    if isinstance(event, (Descheduled, Ready)):
        return event.reason in ("preempted", "paused")
    return isinstance(event, (PolicyNote, Operator))
