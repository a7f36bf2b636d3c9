"""Scenarios on real processes, under a kernel process: run to their end, or watched while they run."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from sandbox.clients.script import ClientThread
from sandbox.link.client import KernelProcess, use_all_cpus
from sandbox.machines.linux.blocking.sensors import NAMES, obstacle
from sandbox.machines.linux.capabilities import freezer_obstacle
from sandbox.model.commands import Farewell
from sandbox.model.events import Admitted, AnyEvent, Became, Dispatched, Event, Exited, Fault, Wrote
from sandbox.model.spec import Boot, Scenario

T = TypeVar("T")
E = TypeVar("E", bound=Event)

#: The sensors that this machine permits.
SENSORS = [name for name in NAMES if name != "auto" and obstacle(name, 1) is None]

#: Whether processes can be frozen here.
FREEZER = freezer_obstacle() is None

every_recipe = pytest.mark.parametrize(
    "recipe",
    [
        "overlapped",
        "sequential",
        pytest.param("freezer", marks=pytest.mark.skipif(not FREEZER, reason="processes cannot be frozen here")),
    ],
)


@contextmanager
def kernel_process(world: Scenario, **boot: Any) -> Iterator[KernelProcess]:
    """The kernel process of a scenario; ended afterwards."""
    link = KernelProcess(Boot(world, **boot))
    try:
        yield link
    finally:
        link.end()


def run_real(world: Scenario, **boot: Any) -> list[Event]:
    """All events of a run on real processes; the scenario's clients play their parts."""
    events: list[Event] = []
    with kernel_process(world, **boot) as link:
        clientele = ClientThread(world.clients)

        def wait(*arguments: Any) -> None:
            if world.clients and clientele.leave():
                link.send(Farewell())
            select.select(*arguments)

        try:
            for event in link.events(wait=wait):
                clientele.take(event)
                events.append(event)
        finally:
            clientele.end()
        assert link.halted, link.last_words()
    return events


class Watch:
    """A kernel process whose events are looked at while it runs."""

    def __init__(self, link: KernelProcess) -> None:
        self.link = link
        self.events: list[AnyEvent] = []

    def step(self) -> None:
        """Take what has come, and say that we are here."""
        if self.link.closed:
            time.sleep(0.01)
            return
        select.select([self.link], [], [], 0.02)
        self.link.beat()
        self.events += self.link.receive()

    def until(self, what: Callable[[], T | None], why: str, seconds: float = 20.0) -> T:
        """Wait until ``what`` gives something true, and give that."""
        give_up = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < give_up, f"after {seconds} s still not: {why}; {self._last()}"
            self.step()
        return found

    def soon(self, what: Callable[[], object], seconds: float = 1.0) -> bool:
        """Whether it comes true within this time."""
        give_up = time.monotonic() + seconds
        while not what() and time.monotonic() < give_up:
            self.step()
        return bool(what())

    def _last(self) -> str:
        closed = f"the kernel process has ended: {self.link.last_words()}; " if self.link.closed else ""
        return f"{closed}{self.events[-8:]}"

    def go_on(self, seconds: float) -> None:
        """Just watch for a while."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self.step()

    def all(self, kind: type[E], name: str | None = None) -> list[E]:
        """The events of a kind, of all processes or of those that ever had a name."""
        pids = {event.pid for event in self.events if isinstance(event, (Admitted, Became)) and event.name == name}
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if name is None or getattr(event, "pid", None) in pids]

    def faults(self, rule: str) -> list[Fault]:
        return [event for event in self.all(Fault) if event.what.rule == rule]

    def admitted(self, name: str) -> Admitted:
        """The birth of the process of that name."""
        return self.until(lambda: self.all(Admitted, name), f"{name} is admitted")[0]

    def os_pid(self, name: str) -> int:
        os_pid = self.admitted(name).os_pid
        assert os_pid is not None
        return os_pid

    def dispatched(self, name: str) -> list[Dispatched]:
        return self.until(lambda: self.all(Dispatched, name), f"{name} is dispatched")

    def ended(self, name: str, seconds: float = 20.0) -> Exited:
        """How it ended."""
        return self.until(lambda: self.all(Exited, name), f"{name} has ended", seconds)[0]

    def wrote(self, name: str) -> str:
        """All that it wrote."""
        return "".join(event.text for event in self.all(Wrote, name))

    def finish(self, seconds: float = 30.0) -> None:
        """To the end of the run."""
        self.until(lambda: self.link.closed, "the run has ended", seconds)
        assert self.link.halted, self.link.last_words()


@contextmanager
def watch(world: Scenario, stay: bool = True, **boot: Any) -> Iterator[Watch]:
    """Run a scenario and watch it; nothing is left afterwards. ``stay``: until we quit."""
    use_all_cpus()
    with kernel_process(world, stay=stay, attended=True, **boot) as link:
        yield Watch(link)
        assert link.halted or not link.closed, f"the kernel process died: {link.last_words()}"
