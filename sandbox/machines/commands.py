"""What is asked of the machine: by the operator over the link, and by the scenario's script."""

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
    """Where they go."""

    def add(self, *reports: Asked) -> None: ...


class Commands:
    """Reports what is asked for, in the order in which it is due. ``echoes``: whether what is typed for a process, by
    pid or name, is shown in its console; where it is not, nobody else shall see it either."""

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
        #: Whether the scenario's clients have all left.
        self.farewell = False

    @property
    def expected(self) -> bool:
        """Whether a scripted command is still to come."""
        return brings_more(self._script)

    @property
    def script_ends_pauses(self) -> bool:
        """Whether the script will go on after a pause; if not, somebody else has to, and the script waits."""
        return ends_pauses(self._script)

    @property
    def next_ns(self) -> int | None:
        """When the next scripted command is due (CLOCK_MONOTONIC), as far as that is known."""
        if not self._script or self._clock.watch_stands:
            return None
        return self._clock.watch_monotonic_ns(self._script[0].time_ns)

    def read(self) -> None:
        """The link has something."""
        self._report(self._link.read())

    def check(self) -> None:
        """What the time brings: silence on the link, and scripted commands."""
        self._report(self._link.check())
        while self._script and self._script[0].time_ns <= self._clock.watch_ns():
            self._ask(self._script.popleft().do)

    def quit(self) -> None:
        """Nobody asks for it, but there is nothing left to do."""
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
