"""Commands to the machine: from the operator over the link, and from the scenario's script."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from sandbox.kernel.machine import Asked
from sandbox.machines.clock import Clock
from sandbox.machines.operator_link import OperatorLink
from sandbox.model.commands import Command, Farewell, Quit, Type
from sandbox.model.spec import At, brings_more, ends_pauses


class Reports(Protocol):
    """Takes the reports."""

    def add(self, *reports: Asked) -> None: ...


class Commands:
    """Reports commands in the order in which they are due. ``echoes``: whether the console of a process, by pid or
    name, shows what is typed; if not, it is not recorded either."""

    def __init__(
        self,
        link: OperatorLink,
        script: Iterable[At],
        clock: Clock,
        reports: Reports,
        echoes: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._link = link
        self._echoes = echoes
        self._script = deque(sorted(script, key=lambda at: at.time_ns))
        self._clock = clock
        self._reports = reports
        #: Whether all of the scenario's clients have left.
        self.farewell = False

    @property
    def expected(self) -> bool:
        """Whether a scripted command is still to come."""
        return brings_more(self._script)

    @property
    def script_ends_pauses(self) -> bool:
        """Whether the script ends pauses; if not, the operator has to, and the script waits meanwhile."""
        return ends_pauses(self._script)

    @property
    def next_ns(self) -> int | None:
        """When the next scripted command is due (CLOCK_MONOTONIC); None if there is none, or the watch is stopped."""
        if not self._script or self._clock.watch_stands:
            return None
        return self._clock.watch_monotonic_ns(self._script[0].time_ns)

    def read(self) -> None:
        """Read commands from the link, which is readable."""
        self._report(self._link.read())

    def check(self) -> None:
        """Report what is due: commands of the link's timer, and scripted commands."""
        self._report(self._link.check())
        while self._script and self._script[0].time_ns <= self._clock.watch_ns():
            self._ask(self._script.popleft().do)

    def quit(self) -> None:
        """Report Quit, because there is nothing left to do."""
        self._reports.add(Asked(Quit()))

    def _report(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Farewell):
                self.farewell = True
            else:
                self._ask(command)

    def _ask(self, command: Command) -> None:
        if isinstance(command, Type) and not self._echoes(command.who):
            command = msgspec.structs.replace(command, unseen=True)
        self._reports.add(Asked(command))
