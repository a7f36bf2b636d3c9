"""Virtual time that one can watch: the same events at every pace, commands in between, pauses."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.paced import PacedMachine
from sandbox.model.commands import Command, Farewell, Pace, Pause, Quit, Resume, UsePolicy
from sandbox.model.events import Dispatched, Event, Exited, Operator, Scheduling
from sandbox.model.spec import Scenario
from sandbox.policies.host.factory import PolicyFactory
from sandbox.scenario import find, load
from sandbox.util.timeout import ALARM
from sandbox.util.units import MS, S
from tests.support.scenarios import process, scenario, simulate

#: However busy this machine is, a command comes before the run is over.
SLOW = Pace((1, 100))


class ScriptedLink:
    """A link up which one batch of commands comes a look, while there are any."""

    behind = lost = False

    def __init__(self, end: socket.socket, batches: Iterable[list[Command]]) -> None:
        self._end, self._batches = end, iter(batches)

    @property
    def next_check_ns(self) -> int | None:
        return time.monotonic_ns() + 2 * MS

    def fileno(self) -> int:
        return self._end.fileno()

    def read(self) -> list[Command]:
        return next(self._batches, [])

    def check(self) -> list[Command]:
        return []

    def dismissed(self) -> bool:
        return False


@contextmanager
def link(*batches: list[Command]) -> Iterator[ScriptedLink]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ScriptedLink(ours, batches)


def played(world: Scenario, *batches: list[Command], stay: bool = False) -> list[Event]:
    events: list[Event] = []
    with link(*batches) as commands:
        factory = PolicyFactory(world.machine, world.folder, ALARM)
        kernel = Kernel(factory.first(), world.machine.cpus, world.machine.ties)
        operator = CommandInterpreter(kernel, factory.next)
        run(kernel, operator, PacedMachine(world, commands), events.extend, world.name, stay)
    return events


def test_the_same_events_come_at_every_pace() -> None:
    convoy = load(find("convoy"))
    assert played(convoy, [Pace(None)]) == simulate(convoy)
    assert played(convoy, [Pace((20, 1))]) == simulate(convoy)


def test_a_script_is_carried_out_and_its_pauses_end() -> None:
    world = scenario(process("a", "cpu 50ms"), script=[("20ms", Pause()), ("40ms", Resume())])
    assert played(world, [Pace(None)]) == simulate(world)
    assert played(world, [Pace((2, 1))]) == simulate(world)


def test_what_somebody_asks_for_is_done_at_the_present_instant() -> None:
    world = scenario(process("a", "cpu 60ms"), process("b", "cpu 60ms"))
    events = played(world, [SLOW], [], [UsePolicy("fcfs")], [Pace((100, 1))])
    changed = next(event for event in events if isinstance(event, Scheduling))
    assert 0 < changed.t_ns < 50 * MS
    assert [event.cpu_ns for event in events if isinstance(event, Exited)] == [60 * MS] * 2


def test_time_stands_still_in_a_pause_and_nothing_is_lost() -> None:
    world = scenario(process("a", "cpu 30ms"))
    waits: list[list[Command]] = [[]] * 10
    events = played(world, [SLOW], [Pause()], *waits, [Resume()], [Pace((100, 1))])
    paused, resumed = (event.t_ns for event in events if isinstance(event, Operator))
    assert paused == resumed
    assert events[-1].t_ns == 30 * MS
    assert len([event for event in events if isinstance(event, Dispatched)]) == 2


def test_it_stays_until_it_is_told_to_quit() -> None:
    world = scenario(process("a", "cpu 1ms"))
    waits: list[list[Command]] = [[]] * 10
    events = played(world, [Pace(None)], *waits, [Quit()], stay=True)
    assert next(event for event in events if isinstance(event, Exited)).t_ns == 1 * MS


# With a clock of its own


class Watch:
    """A clock that moves only while somebody waits; and a link up which commands come at certain times of it."""

    def __init__(self, *commands: tuple[int, Command]) -> None:
        self.now_ns = self.began_ns = 1_000 * S
        self._commands = [(self.now_ns + ms * MS, command) for ms, command in commands]
        self.behind_until_ns = 0
        self.lost = False
        self.waits: list[float | None] = []
        self.reads = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def select(self, reads: list[int], writes: list[int], errors: list[int], wait_s: float | None) -> None:
        assert (reads, writes, errors) == ([7], [], [])
        self.waits.append(wait_s)
        came = self._commands[0][0] if self._commands else None
        until = None if wait_s is None else self.now_ns + round(wait_s * S)
        assert came is not None or until is not None, "it would wait for ever"
        self.now_ns = max(self.now_ns, min(time for time in (came, until) if time is not None))

    def read(self) -> list[Command]:
        self.reads += 1
        came = [command for at_ns, command in self._commands if at_ns <= self.now_ns]
        del self._commands[: len(came)]
        return came

    def check(self) -> list[Command]:
        if self.next_check_ns is not None and self.next_check_ns <= self.now_ns:
            self.next_check_ns = None
        return []

    def fileno(self) -> int:
        return 7

    def dismissed(self) -> bool:
        return False

    next_check_ns: int | None = None

    @property
    def behind(self) -> bool:
        return self.now_ns < self.behind_until_ns

    @property
    def gone_ms(self) -> float:
        return (self.now_ns - self.began_ns) / MS


@pytest.fixture
def at_a_watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[float, float, str]]]:
    """Runs a world, and returns when what had happened, in ms of the watch and of the machine."""

    def run_it(world: Scenario, watch: Watch) -> list[tuple[float, float, str]]:
        monkeypatch.setattr("sandbox.machines.paced.time", watch)
        monkeypatch.setattr("sandbox.machines.paced.select", watch.select)
        told: list[tuple[float, float, str]] = []

        def emit(events: list[Event]) -> None:
            told.extend(
                (watch.gone_ms, event.t_ns / MS, type(event).__name__)
                for event in events
                if isinstance(event, Dispatched | Exited | Operator)
            )

        factory = PolicyFactory(world.machine)
        kernel = Kernel(factory.first())
        run(kernel, CommandInterpreter(kernel, factory.next), PacedMachine(world, watch), emit, world.name)
        return told

    return run_it


Timed = Callable[..., list[tuple[float, float, str]]]
TWO = (process("a", "cpu 30ms"), process("b", "cpu 30ms", arrive="50ms"))


def test_each_instant_is_due_when_so_much_time_has_passed(at_a_watch: Timed) -> None:
    """From the start as in real time; after each change of the pace from then on."""
    turns = [(0, "Dispatched"), (30, "Exited"), (50, "Dispatched"), (80, "Exited")]
    assert at_a_watch(scenario(*TWO, policy="fcfs"), Watch()) == [(at, at, what) for at, what in turns]
    half = at_a_watch(scenario(*TWO, policy="fcfs"), Watch((40, Pace((1, 2)))))
    assert half == [(0, 0, "Dispatched"), (30, 30, "Exited"), (60, 50, "Dispatched"), (120, 80, "Exited")]
    thrice = at_a_watch(scenario(*TWO, policy="fcfs"), Watch((0, Pace((3, 1))), (20, Pace(None))))
    assert thrice == [
        (0, 0, "Dispatched"),
        (10, 30, "Exited"),
        (pytest.approx(16.6667, abs=1e-3), 50, "Dispatched"),
        (20, 80, "Exited"),
    ]


def test_a_command_is_carried_out_at_the_time_that_it_is_for_the_machine(at_a_watch: Timed) -> None:
    """Between two instants, at whatever pace; in a pause, when the machine's clock stands still."""
    world = scenario(process("a", "cpu 30ms"), policy="fcfs")
    told = at_a_watch(world, Watch((0, Pace((1, 4))), (40, Pause()), (90, Resume())))
    assert told == [
        (0, 0, "Dispatched"), (40, 10, "Operator"), (90, 10, "Operator"), (90, 10, "Dispatched"), (170, 30, "Exited"),
    ]  # fmt: skip
    assert at_a_watch(world, Watch((12, Farewell()), (13, Quit())))[1:] == [(13, 13, "Operator")]


def test_a_script_goes_on_after_its_own_pauses(at_a_watch: Timed) -> None:
    """What it says for a time is done when the operator's watch shows it, which goes on in a pause."""
    world = scenario(process("a", "cpu 30ms"), policy="fcfs", script=[("10ms", Pause()), ("25ms", Resume())])
    assert at_a_watch(world, Watch()) == [
        (0, 0, "Dispatched"), (10, 10, "Operator"), (25, 10, "Operator"), (25, 10, "Dispatched"), (45, 30, "Exited"),
    ]  # fmt: skip


def test_who_was_asleep_for_long_does_not_make_up_for_it(at_a_watch: Timed) -> None:
    """A lag of up to a quarter of a second is made up for; a longer one is forgotten."""

    class Suspended(Watch):
        lag_ms = 0

        def select(self, reads: list[int], writes: list[int], errors: list[int], wait_s: float | None) -> None:
            super().select(reads, writes, errors, wait_s)
            self.now_ns, self.lag_ms = self.now_ns + self.lag_ms * MS, 0

    for lag_ms, end_ms in ((250, 250), (251, 251 + 80)):
        watch = Suspended()
        watch.lag_ms = lag_ms
        told = at_a_watch(scenario(*TWO, policy="fcfs"), watch)
        assert (told[0][0], told[-1][0]) == (lag_ms, end_ms)


def test_at_full_speed_the_link_is_read_every_five_ms(at_a_watch: Timed) -> None:
    class Busy(Watch):
        def monotonic_ns(self) -> int:
            self.now_ns += 1_000
            return self.now_ns

    watch = Busy((0, Pace(None)))
    told = at_a_watch(scenario(*(process(name, "cpu 20s") for name in "ab"), quantum_ns=10 * MS), watch)
    assert len(told) > 4_000
    assert told[-1][1] == 40_000
    assert watch.gone_ms / 5 - 3 < watch.reads < watch.gone_ms / 5 + 3


def test_a_reader_that_is_behind_is_waited_for(at_a_watch: Timed) -> None:
    watch = Watch((0, Pace(None)), (95, Pace(None)))
    watch.behind_until_ns = watch.now_ns + 120 * MS
    told = at_a_watch(scenario(process("a", "cpu 20ms")), watch)
    assert told[0][0] == 125, "10 ms at a time, also after a command"
    assert set(watch.waits[1:9]) == {0.01}
    watch = Watch()
    watch.behind_until_ns, watch.lost = watch.now_ns + 120 * MS, True
    assert at_a_watch(scenario(process("a", "cpu 20ms")), watch)[0][0] == 0, "there is nobody to wait for"


def test_the_link_may_want_to_be_looked_at_sooner(at_a_watch: Timed) -> None:
    watch = Watch()
    watch.next_check_ns = watch.now_ns + 4 * MS
    told = at_a_watch(scenario(process("a", "cpu 5ms")), watch)
    assert told[-1][:2] == (5, 5)
    assert watch.waits == [0, 0.004, 0.001]
