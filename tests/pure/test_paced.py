"""Virtual time that one can watch: the same events at every pace, commands in between, pauses."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.paced import PacedMachine
from sandbox.model.commands import Command, Pace, Pause, Quit, Resume, UsePolicy
from sandbox.model.events import Dispatched, Event, Exited, Operator, Scheduling
from sandbox.model.spec import Scenario
from sandbox.policies.host.factory import PolicyFactory
from sandbox.scenario import find, load
from sandbox.util.timeout import ALARM
from sandbox.util.units import MS
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
