"""A machine that is told to pause where its lesson does pauses at the event itself, before it decides what is next."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Arrived, Happened, Obeyed, Report, Waits
from sandbox.link.server import StepWatch
from sandbox.model.claims import parse_happening
from sandbox.model.events import Blocked, Clause, Descheduled, Dispatched, Event, Operator
from sandbox.model.spec import Step
from sandbox.policies.rr import RoundRobin
from sandbox.util.units import MS
from tests.support.scenarios import process


class Watched:
    """A kernel whose lesson pauses at these happenings: ``instant`` returns the names of the events that came, and
    whether it pauses afterwards."""

    def __init__(self, *happenings: str, reads: bool = True) -> None:
        self.kernel = Kernel(RoundRobin())
        self.watch = StepWatch([Step(parse_happening(text), pause=True) for text in happenings])
        self.kernel.pacing.watch, self.kernel.pacing.at_steps = self.watch.early, reads
        self.late = False

    def instant(
        self, ms: int, reports: Sequence[Report] = (), used: dict[int, int] | None = None, obeyed: Obeyed | None = None
    ) -> list[Event]:
        self.kernel.tell(Happened(ms * MS, [*reports], used or {}))
        self.kernel.decide()
        events = self.kernel.settle(obeyed or Obeyed({}, {}, {}))
        self.late = self.watch.late(events)
        return events


ARRIVALS = [Arrived(1, process("a", "cpu 1s")), Arrived(2, process("b", "cpu 1s"))]


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_who_is_chosen_stays_where_it_is() -> None:
    run = Watched("a runs")
    events = run.instant(0, ARRIVALS)
    assert kinds(events)[-2:] == ["Dispatched", "Operator"]
    assert run.kernel.paused
    assert run.kernel.cpus[0].running is run.kernel.processes[1], "it can be seen there"
    assert not run.late, "it has been seen"


def test_it_pauses_before_the_next_decision() -> None:
    run = Watched("a uses up its slice")
    run.instant(0, ARRIVALS)
    assert not run.kernel.paused
    events = run.instant(50, used={1: 50 * MS})
    assert kinds(events) == ["Descheduled", "Ready", "Operator"]
    assert run.kernel.paused
    run.kernel.resume("resumed")
    run.kernel.decide()
    assert isinstance(run.kernel.settle(Obeyed({}, {}, {}))[-1], Dispatched)


def test_what_a_process_waits_for_is_found_out_later() -> None:
    run = Watched("a blocks on sleep")
    run.instant(0, ARRIVALS)
    events = run.instant(10, [Waits(1, None)], {1: 10 * MS}, Obeyed({}, {}, {1: Clause("sleep")}))
    assert [event.on.rule for event in events if isinstance(event, Blocked)] == ["sleep"]
    assert not run.kernel.paused
    assert run.late, "and then it is to pause"
    assert kinds(run.instant(11)) == []
    assert not run.late


def test_whose_lesson_is_hidden_is_not_stopped() -> None:
    run = Watched("a runs", reads=False)
    assert not any(isinstance(event, Operator | Descheduled) for event in run.instant(0, ARRIVALS))
    assert not run.kernel.paused
