"""Virtual time that can be watched: it passes like real time, or slower, or faster.

The virtual machine is exact and knows no real clock; it is asked for its next instant when that is due. So the events
are the same at every pace, and only the operator's commands depend on when they are given.
"""

from __future__ import annotations

import time
from select import select
from typing import Literal

from sandbox.kernel.machine import Asked, Happened, Obeyed, Order
from sandbox.machines.operator_link import OperatorLink
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import Command, Farewell, Pace
from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.util.units import MS, S

#: How far the machine may lag behind real time (because the computer was suspended, or is too slow) before its clock is
#: reset, instead of catching up.
_MAX_LAG_NS = 250 * MS
#: At full speed: how often the link is read, and for how long to wait for a reader that is behind.
_LISTEN_NS, _BEHIND_S = 5 * MS, 0.01


class PacedMachine:
    """A virtual machine whose instants are paced by real time. ``link``: where commands come from."""

    kind: Literal["virtual"] = "virtual"
    sensor = None
    recipe = None

    def __init__(self, scenario: Scenario, link: OperatorLink) -> None:
        self._virtual = VirtualMachine(scenario)
        self._link = link
        #: The speed as a fraction; None: as fast as possible.
        self._times: tuple[int, int] | None = (1, 1)
        #: A time of the machine, and the CLOCK_MONOTONIC time that corresponds to it.
        self._from_ns = self._since_ns = 0
        self._listened_ns = 0

    @property
    def expects(self) -> bool:
        """Whether an arrival or a scripted command is still to come."""
        return self._virtual.expects

    def start(self) -> None:
        """Start the clock."""
        self._set_clock(0)

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until the next instant is due, or a command arrives."""
        while True:
            next_ns = self._virtual.next_instant(deadline_ns)
            commands = self._listen(next_ns)
            if commands:
                return self._interrupted(deadline_ns, commands)
            if next_ns is not None and self._has_come(next_ns):
                happened = self._virtual.wait(deadline_ns)
                if self._virtual.frozen:
                    self._set_clock(happened.now_ns)  # the next scripted command is due relative to this one
                return happened

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders at this instant."""
        frozen = self._virtual.frozen
        obeyed = self._virtual.obey(orders)
        if frozen is not self._virtual.frozen:
            self._set_clock(self._virtual.now_ns)
        return obeyed

    def halt(self) -> list[Event]:
        """Do nothing: a virtual run leaves nothing behind."""
        return self._virtual.halt()

    # The clock

    def _set_clock(self, now_ns: int) -> None:
        self._from_ns, self._since_ns = now_ns, time.monotonic_ns()

    def _present_ns(self) -> int:
        """Return the machine's time that corresponds to real time, which passes between instants, too."""
        if self._times is None:
            return self._virtual.now_ns
        numerator, denominator = self._times
        gone_ns = (time.monotonic_ns() - self._since_ns) * numerator // denominator
        return max(self._from_ns + gone_ns, self._virtual.now_ns)

    def _due_ns(self, t_ns: int) -> int:
        """Return when a time of the machine is due (CLOCK_MONOTONIC)."""
        if self._times is None:
            return 0
        numerator, denominator = self._times
        return self._since_ns + -(-(t_ns - self._from_ns) * denominator // numerator)

    def _has_come(self, t_ns: int) -> bool:
        late_ns = time.monotonic_ns() - self._due_ns(t_ns)
        if self._times is not None and late_ns > _MAX_LAG_NS:
            self._set_clock(t_ns)
        return late_ns >= 0

    # Commands

    def _interrupted(self, deadline_ns: int | None, commands: list[Command]) -> Happened:
        """Return commands that have arrived between two instants, or with the next one if that is overdue."""
        asked = [Asked(command) for command in commands]
        if self._virtual.frozen:
            return Happened(self._virtual.now_ns, [*asked], {})
        present_ns = self._present_ns()
        happened = self._virtual.wait(present_ns if deadline_ns is None else min(deadline_ns, present_ns))
        return Happened(happened.now_ns, [*happened.reports, *asked], happened.used)

    def _listen(self, next_ns: int | None) -> list[Command]:
        """Wait for commands until this time of the machine (None: without a limit), and return them."""
        now_ns = time.monotonic_ns()
        due_ns = None if next_ns is None else self._due_ns(next_ns)
        if due_ns is not None and due_ns <= now_ns < self._listened_ns + _LISTEN_NS:
            return []
        while self._link.behind and not self._link.lost:
            select([self._link.fileno()], [], [], _BEHIND_S)
            if commands := self._hear():
                return commands
        times = [at_ns for at_ns in (due_ns, self._link.next_check_ns) if at_ns is not None]
        wait_s = max(min(times) - time.monotonic_ns(), 0) / S if times else None
        select([self._link.fileno()], [], [], wait_s)
        self._listened_ns = time.monotonic_ns()
        return self._hear()

    def _hear(self) -> list[Command]:
        """Return the commands that have arrived, after applying those that set the pace."""
        commands = [*self._link.read(), *self._link.check()]
        for command in commands:
            if isinstance(command, Pace):
                now_ns = self._present_ns()
                self._times = command.times
                self._set_clock(now_ns)
        return [command for command in commands if not isinstance(command, Pace | Farewell)]
