"""Commands for a stepping machine, from the operator over the link and from the scenario's script.

Times of the script are machine times, in which a turn takes a millisecond.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections import deque
from collections.abc import Iterable, Iterator

from sandbox.machines.linux.poller import Poller
from sandbox.machines.operator_link import OperatorLink
from sandbox.model.commands import Command, Farewell, Pause
from sandbox.model.spec import At, brings_more, ends_pauses


class Requests:
    """Queues commands. ``link`` is None if there are only those of the script."""

    def __init__(self, link: OperatorLink | None, script: Iterable[At], poller: Poller) -> None:
        self.link, self._poller = link, poller
        self._asked: deque[Command] = deque()
        self._script: deque[At] = deque(sorted(script, key=lambda at: at.time_ns))
        #: For how long the machine was paused in total, by which the script's time is ahead of the machine's.
        self._paused_ns = 0
        #: Whether the machine was paused by the script, and not by the operator.
        self._has_paused = False
        if link is not None:
            poller.add(link.fileno(), self._listen)

    def _listen(self) -> None:
        if self.link is not None:
            self._asked.extend(command for command in self.link.read() if not isinstance(command, Farewell))

    def look(self) -> bool:
        """Whether there are commands of the operator."""
        if self.link is not None:
            self._poller.wait(time.monotonic_ns())
            self._asked.extend(self.link.check())
        return bool(self._asked)

    def take(self) -> Iterator[Command]:
        """Yield the commands of the operator, and remove them."""
        while self._asked:
            yield self._asked.popleft()

    # The script

    @property
    def brings_more(self) -> bool:
        """Whether the script has commands left other than to end the run."""
        return brings_more(self._script)

    @property
    def next_ns(self) -> int | None:
        """When the next command of the script is due (machine time); None if it does not bring more."""
        return self._script[0].time_ns - self._paused_ns if self.brings_more else None

    @property
    def end_pauses(self) -> bool:
        """Whether the script goes on after a pause that it has made. Otherwise the operator has to."""
        return self._has_paused and ends_pauses(self._script)

    def due(self, now_ns: int) -> Iterator[Command]:
        """Yield the commands of the script that are due, and remove them."""
        while self._script and self._script[0].time_ns <= now_ns + self._paused_ns:
            command = self._script.popleft().do
            self._has_paused |= isinstance(command, Pause)
            yield command

    def thawed(self) -> None:
        """Note that the pause is over."""
        self._has_paused = False

    def next_in_pause(self, now_ns: int) -> Command:
        """Return the next command of the script during a pause, while the machine's clock stands still."""
        at = self._script.popleft()
        self._paused_ns = max(self._paused_ns, at.time_ns - now_ns)
        return at.do
