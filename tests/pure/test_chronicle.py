"""The log of a long run: which events have lines, and what processes were called when."""

from __future__ import annotations

import gc
from itertools import count

import pytest

from sandbox.model.events import Admitted, AnyEvent, Became, Booted, Clause, Dispatched, Exited, Queues, Ready
from sandbox.model.retirement import MIN_KEPT
from sandbox.tui.state.chronicle import Chronicle
from sandbox.util.units import MS
from sandbox.views.eventlog import EventLog

NUMBER = 9_000


@pytest.fixture(scope="module")
def events() -> list[AnyEvent]:
    """Thousands of lives, each of which takes another name; now and then somebody looks at the queues."""
    happened: list[AnyEvent] = [Booted(0, "linux", 1, "rr", {}, "", "churn", kept=MIN_KEPT)]
    for pid, t_ns in zip(range(1, NUMBER), count(MS, MS), strict=False):
        happened += [
            Admitted(t_ns, pid, f"sh{pid}", "true"),
            Ready(t_ns, pid, "admitted"),
            Dispatched(t_ns, pid, 0, MS, Clause("turn")),
            Became(t_ns, pid, f"true{pid}", "true"),
            Exited(t_ns, pid, 0, None, 0, 0, 0),
        ]
        if pid % 100 == 0:
            happened.append(Queues(t_ns, [], []))
    return happened


@pytest.fixture(scope="module")
def past(events: list[AnyEvent]) -> EventLog:
    log = EventLog()
    for event in events:
        log.add(event)
    return log


def test_every_event_but_answers_has_a_line(events: list[AnyEvent], past: EventLog) -> None:
    chronicle = Chronicle(past)
    chronicle.grow(60)
    lines, told = chronicle.lines, [at for at, event in enumerate(events) if not isinstance(event, Queues)]
    assert [*lines] == told
    assert lines[-1] == told[-1]
    assert lines[1_000:1_010] == told[1_000:1_010]
    assert chronicle.place(told[700] + 1) == 700
    with pytest.raises(IndexError):
        lines[len(told)]


def test_names_are_those_of_then_whatever_was_read_before(events: list[AnyEvent], past: EventLog) -> None:
    chronicle = Chronicle(past)
    chronicle.grow(60)
    for at in (
        len(events) - 1,
        3,
        4,
        20_000,
        20_003,
        19_990,
        *range(past.chapter(30_000) - 8, past.chapter(30_000) + 8),
    ):
        event = events[at]
        if isinstance(event, (Ready, Dispatched, Exited)):
            name = f"true{event.pid}" if isinstance(event, Exited) else f"sh{event.pid}"
            assert chronicle.line(at).text.startswith(f"{name} ")


def test_what_is_kept_of_a_log_that_was_read_is_little(past: EventLog) -> None:
    gc.collect()
    before = len(gc.get_objects())
    chronicle = Chronicle(past)
    chronicle.grow(60)
    chronicle.look_for(f"true{NUMBER // 2} ")
    chronicle.grow(60)
    assert len(chronicle.lines) == 2
    gc.collect()
    assert len(gc.get_objects()) - before < 4 * NUMBER, "two chapters, whatever the length of the run"
