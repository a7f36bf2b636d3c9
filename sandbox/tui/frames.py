"""When the screen is drawn: as often as one can see, and not at all while nothing changes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

_FRAMES_PER_S = 12
#: The share of one core that frames may take; where one costs more, there are fewer of them. The CPU is the processes'.
_MAX_SHARE = 0.09
#: What a frame costs is the median over this many of the last ones.
_FRAMES_WEIGHED = 9
_MAX_BETWEEN_S = 0.5
#: Within this time the kernel process has answered a command.
_ANSWER_S = 0.02


class Frames:
    """``draw`` draws a frame, and says so by calling ``begin``."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._next: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._spent_s = time.process_time()
        self._costs_s = deque([0.0] * _FRAMES_WEIGHED, _FRAMES_WEIGHED)

    def want(self, soon: bool = False) -> None:
        """Something has changed: draw when a frame is due. ``soon``: a person waits to see what they did, and has to
        wait only for the answer of the kernel process."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + _ANSWER_S if soon else max(self._due_s, loop.time())
        if self._next is not None:
            if self._next.when() <= at_s:
                return
            self._next.cancel()
        self._next = loop.call_at(at_s, self._draw)

    def begin(self) -> None:
        """A frame is drawn now: from what the last ones have cost follows when the next one is due."""
        self.stop()
        spent_s, self._spent_s = self._spent_s, time.process_time()
        self._costs_s.append(self._spent_s - spent_s)
        usual_s = sorted(self._costs_s)[len(self._costs_s) // 2]  # a single costly one (a lesson opens) is not
        pause_s = min(max(usual_s / _MAX_SHARE, 1 / _FRAMES_PER_S), _MAX_BETWEEN_S)
        self._due_s = asyncio.get_running_loop().time() + pause_s

    def stop(self) -> None:
        """Draw no more, unless somebody wants it again."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
