"""Whether we get the CPU ourselves: who is stopped, or starved by others, schedules nobody meanwhile."""

from __future__ import annotations

import time

from sandbox.util.units import S

#: Shorter delays every machine has; and a policy that takes too long is interrupted sooner, which is told by itself.
_STALL_NS = 1 * S


class Pulse:
    """Felt before and after we sleep. Times of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._due_ns = time.monotonic_ns()

    def beat(self, until_ns: int = 0) -> int:
        """How much later it is than it should be, 0 where that is nothing to speak of; we are to sleep until then."""
        now_ns = time.monotonic_ns()
        late_ns, self._due_ns = now_ns - self._due_ns, max(now_ns, until_ns)
        return late_ns if late_ns > _STALL_NS else 0
