"""A session's clock and load: what the status line says between the events, and when they come late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.model.commands import Pause
from sandbox.model.spec import Scenario
from sandbox.tui.state.live import Live
from sandbox.util.units import MS, S
from tests.support.app import NOON_NS, Clock, FakeLink, blank_scenario
from tests.support.kernel_script import KernelScript


class Run:
    """A session on a clock that stands still, fed by a script."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.clock = Clock()
        self.session = Live(scenario or blank_scenario(), self._start, self.clock)
        self.session.begin()

    def _start(self, scenario: Scenario) -> FakeLink:
        self.link = FakeLink(scenario)
        return self.link

    def feed(self, script: KernelScript, late_ns: int = 0, fresh: bool = True) -> None:
        """The script's events arrive, so much later than its last event happened."""
        events = script.take()
        self.clock.now_ns = NOON_NS + events[-1].t_ns + late_ns
        self.session.add_events(events, fresh)

    @property
    def now_ns(self) -> int:
        return self.session.view.now_ns


@pytest.fixture
def run() -> Iterator[Run]:
    started = Run()
    yield started
    started.link.end()


def busy() -> KernelScript:
    return KernelScript().admit("a", "9s").admit("b", "9s").run("a")


def test_the_clock_begins_with_the_first_event_after_boot(run: Run) -> None:
    script = KernelScript()
    run.feed(script, late_ns=700 * MS)  # births take their time, and the clock does not
    run.feed(script.admit("a").run("a"))
    run.clock.now_ns += 20 * MS
    assert run.now_ns == 20 * MS


def test_the_event_that_travelled_fastest_tells_the_time(run: Run) -> None:
    script = busy()
    run.feed(script.later("50ms").expire("a").run("b"), late_ns=30 * MS)
    assert run.now_ns == 50 * MS
    run.feed(script.later("50ms").expire("b").run("a"), late_ns=1 * MS)
    assert run.now_ns == 100 * MS
    run.feed(script.later("50ms").expire("a").run("b"), late_ns=30 * MS)
    assert run.now_ns == 179 * MS, "this one is late, and the clock knows better"


def test_a_stall_of_the_machine_is_no_time_that_passed(run: Run) -> None:
    script = busy()
    run.feed(script.later("50ms").expire("a").run("b"))
    run.clock.now_ns += 3 * S
    run.feed(script.later("50ms").expire("b").run("a"), late_ns=3 * S)
    assert run.now_ns == 100 * MS
    run.clock.now_ns += 10 * MS
    assert run.now_ns == 110 * MS


def test_it_stands_still_in_a_pause_and_goes_on_after_it(run: Run) -> None:
    script = busy()
    run.feed(script.later("50ms").pause())
    run.clock.now_ns += 9 * S
    assert run.now_ns == 50 * MS
    run.clock.now_ns = NOON_NS + 9 * S
    run.session.add_events(script.operator("resumed").run("a").take())
    run.clock.now_ns += 15 * MS
    assert run.now_ns == 65 * MS


def test_nobody_left_and_it_stands_still(run: Run) -> None:
    script = KernelScript().admit("a").run("a").later("10ms").exit("a")
    run.feed(script)
    run.clock.now_ns += S
    assert run.session.finished
    assert run.now_ns == 10 * MS


def test_it_stands_still_once_the_link_is_closed(run: Run) -> None:
    run.feed(busy().later("10ms").expire("a").run("b"))
    assert run.session.moving
    run.link.die()
    run.link.receive()
    run.clock.now_ns += S
    assert not run.session.moving
    assert run.session.died
    assert run.now_ns == 10 * MS


def test_the_load_is_that_of_the_last_second(run: Run) -> None:
    script = busy()
    run.feed(script.later("300ms").block("a"))
    assert run.session.utilisation() == 1.0
    run.feed(script.later("300ms").wake("a"))
    assert run.session.utilisation() == pytest.approx(0.5)
    run.feed(script.run("a").later("1400ms").expire("a").run("b"))
    assert run.session.utilisation() == 1.0


def test_the_load_is_read_anew_only_as_often_as_one_can_read(run: Run) -> None:
    script = busy()
    run.feed(script.later("300ms").expire("a"))
    assert run.session.utilisation() == 1.0
    run.clock.now_ns += 100 * MS
    assert run.session.utilisation() == 1.0
    run.clock.now_ns += 200 * MS
    assert run.session.utilisation() == pytest.approx(0.5)


def test_of_two_cpus_one_is_half(run: Run) -> None:
    script = KernelScript(cpus=2).admit("a", "9s").run("a").later("400ms").expire("a").run("a")
    run.feed(script)
    assert run.session.utilisation() == pytest.approx(0.5)


def test_what_has_run_of_the_present_slice_counts(run: Run) -> None:
    script = busy().later("50ms").expire("a").run("b").later("50ms").expire("b").run("a")
    run.feed(script)
    run.clock.now_ns += 7 * MS
    assert [run.session.view.cpu_ns(pid) for pid in (1, 2)] == [57 * MS, 50 * MS]


def test_without_a_kernel_process_nobody_hears(run: Run) -> None:
    fresh = run.session.restart()
    assert not fresh.send(Pause())
    fresh.end()
    assert run.session.send(Pause())
    assert run.link.sent == [Pause()]
    run.link.closed = True
    assert not run.session.send(Pause())
