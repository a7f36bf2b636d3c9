"""The data from which every format is made: the header, the stretches of time that processes spent in one state, and
the other events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sandbox.model.events import (
    AnyEvent,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Fault,
    Operator,
    PolicyNote,
    Ready,
    Scheduling,
)
from sandbox.model.states import State
from sandbox.model.values import BadValue
from sandbox.trace.header import Header
from sandbox.views.history import History


class Stretch(NamedTuple):
    """A period of time that a process spent in one state, in ns. ``why``: the reason why it became ready, the rule by
    which it was chosen, or the cause of its wait. ``cpu_ns``: the CPU time used in it. ``woke``: it is READY because it
    woke, or RUNNING after that."""

    pid: int
    state: State
    cpu: int | None
    start_ns: int
    end_ns: int
    why: Clause
    cpu_ns: int
    woke: bool


class Material(NamedTuple):
    """The data of a loaded recording. ``others``: events about the operator, notes of policies, and faults; ``names``:
    the unique names of the processes, by pid; ``lesson``: the text of its lesson by language, empty if it has none."""

    header: Header
    booted: Booted
    history: History
    stretches: list[Stretch]
    others: list[Event]
    events: list[AnyEvent]
    names: Mapping[int, str]
    lesson: Mapping[str, str] = {}

    def name(self, pid: int) -> str:
        return self.names[pid]


def gather(header: Header, events: Iterable[AnyEvent]) -> Material:
    """Read all events of a recording. Raises BadValue if Booted is missing."""
    everything = [*events]
    history = History()
    for event in everything:
        history.add(event)
    if history.booted is None:
        raise BadValue("recording holds no event")
    others: list[Event] = [e for e in everything if isinstance(e, (Operator, PolicyNote, Fault, Scheduling))]
    return Material(
        header=header,
        booted=history.booted,
        history=history,
        stretches=[*_stretches(everything, history.now_ns)],
        others=others,
        events=everything,
        names=history.names,
    )


class _Open:
    """A stretch that has not ended yet."""

    def __init__(self, state: State, start_ns: int, why: Clause, cpu: int | None = None, woke: bool = False) -> None:
        self.state, self.start_ns, self.why, self.cpu, self.woke = state, start_ns, why, cpu, woke
        self.cpu_ns = 0

    def end(self, pid: int, end_ns: int) -> Stretch:
        return Stretch(
            pid=pid,
            state=self.state,
            cpu=self.cpu,
            start_ns=self.start_ns,
            end_ns=end_ns,
            why=self.why,
            cpu_ns=self.cpu_ns,
            woke=self.woke,
        )


def _stretches(events: Iterable[Event], now_ns: int) -> Iterator[Stretch]:
    """Yield all stretches in the order of their ends; those that last at the end of the recording end with it."""
    lasting: dict[int, _Open] = {}
    for event in events:
        match event:
            case Ready(pid=pid, reason=reason):
                following = _Open(State.READY, event.t_ns, Clause(reason), woke=reason == "woke")
            case Dispatched(pid=pid, cpu=cpu, why=why):
                woke = pid in lasting and lasting[pid].woke
                following = _Open(State.RUNNING, event.t_ns, why, cpu, woke)
            case Blocked(pid=pid, on=on, again=again):
                if again:
                    lasting[pid].why = on
                    continue
                following = _Open(State.BLOCKED, event.t_ns, on)
            case Descheduled(pid=pid, ran_ns=ran_ns):
                lasting[pid].cpu_ns += ran_ns
                continue
            case Exited(pid=pid):
                if pid in lasting:
                    yield lasting.pop(pid).end(pid, event.t_ns)
                continue
            case _:
                continue
        if pid in lasting:
            yield lasting[pid].end(pid, event.t_ns)
        lasting[pid] = following
    for pid, last in lasting.items():
        yield last.end(pid, now_ns)
