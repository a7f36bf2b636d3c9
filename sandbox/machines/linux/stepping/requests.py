"""What is asked of a stepping machine: by the operator over the link, and by the scenario's script, whose times are the
machine's, in which a millisecond is a turn."""

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
    """``link`` None: nobody asks for anything but the script."""

    def __init__(self, link: OperatorLink | None, script: Iterable[At], poller: Poller) -> None:
        self.link, self._poller = link, poller
        self._asked: deque[Command] = deque()
        self._script: deque[At] = deque(sorted(script, key=lambda at: at.time_ns))
        #: The operator's watch is ahead of the machine's clock by as long as the machine was paused.
        self._paused_ns = 0
        #: Whether the script has paused the machine, not a person.
        self._has_paused = False
        if link is not None:
            poller.add(link.fileno(), self._listen)

    def _listen(self) -> None:
        if self.link is not None:
            self._asked.extend(command for command in self.link.read() if not isinstance(command, Farewell))

    def look(self) -> bool:
        """Whether the operator wants something."""
        if self.link is not None:
            self._poller.wait(time.monotonic_ns())
            self._asked.extend(self.link.check())
        return bool(self._asked)

    def take(self) -> Iterator[Command]:
        """What the operator has asked for."""
        while self._asked:
            yield self._asked.popleft()

    # The script

    @property
    def brings_more(self) -> bool:
        """Whether the script will do anything but end the run."""
        return brings_more(self._script)

    @property
    def next_ns(self) -> int | None:
        """When it does something next, if it brings more."""
        return self._script[0].time_ns - self._paused_ns if self.brings_more else None

    @property
    def end_pauses(self) -> bool:
        """Whether the script goes on after the pause that it has made; if not, somebody else has to."""
        return self._has_paused and ends_pauses(self._script)

    def due(self, now_ns: int) -> Iterator[Command]:
        """What the script does by then."""
        while self._script and self._script[0].time_ns <= now_ns + self._paused_ns:
            command = self._script.popleft().do
            self._has_paused |= isinstance(command, Pause)
            yield command

    def thawed(self) -> None:
        """The pause is over."""
        self._has_paused = False

    def next_in_pause(self, now_ns: int) -> Command:
        """What the script does next, while the machine's clock stands still."""
        at = self._script.popleft()
        self._paused_ns = max(self._paused_ns, at.time_ns - now_ns)
        return at.do
