"""The timing of frames: drawn as often as is useful, and only after changes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

_FRAMES_PER_S = 12
#: The share of one core that frames may take; if frames are expensive, fewer are drawn. The CPU is for the processes.
_MAX_SHARE = 0.09
#: The number of recent frames whose median is taken as the cost of a frame.
_FRAMES_WEIGHED = 9
_MAX_BETWEEN_S = 0.5
#: The time in seconds within which the kernel process usually answers a command.
_ANSWER_S = 0.02


class Frames:
    """Schedules frames. ``draw`` draws a frame, and must call ``begin`` when it starts."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._next: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._spent_s = time.process_time()
        self._costs_s = deque([0.0] * _FRAMES_WEIGHED, _FRAMES_WEIGHED)

    def want(self, soon: bool = False) -> None:
        """Draw when a frame is due, as something has changed. ``soon``: the user waits to see the effect of an action,
        so draw as soon as the kernel process should have answered."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + _ANSWER_S if soon else max(self._due_s, loop.time())
        if self._next is not None:
            if self._next.when() <= at_s:
                return
            self._next.cancel()
        self._next = loop.call_at(at_s, self._draw)

    def begin(self) -> None:
        """Note that a frame begins, and compute from the cost of the last frames when the next one is due."""
        self.stop()
        spent_s, self._spent_s = self._spent_s, time.process_time()
        self._costs_s.append(self._spent_s - spent_s)
        usual_s = sorted(self._costs_s)[len(self._costs_s) // 2]  # the median, as single frames may be expensive
        pause_s = min(max(usual_s / _MAX_SHARE, 1 / _FRAMES_PER_S), _MAX_BETWEEN_S)
        self._due_s = asyncio.get_running_loop().time() + pause_s

    def stop(self) -> None:
        """Cancel the next frame, until another one is wanted."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
