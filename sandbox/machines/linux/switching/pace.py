"""When a slice is called over, so that its process has the real CPU for as long as it was granted."""

from __future__ import annotations

from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.poller import Poller
from sandbox.util.units import US

#: Nearer than so to the call it is waited for awake.
_SPIN_NS = 200 * US
#: Whoever reacts slower than this was kept from it by something else, and learns nothing from it.
_SLOWEST_NS = 400 * US


class Pace:
    """On CPUs that are the processes' ``alone`` a stop takes time to arrive, so it is called early. On a CPU that we
    share nobody runs while we do, so a slice begins when we have gone to sleep. Times are the machine's."""

    def __init__(self, clock: Clock, poller: Poller, alone: bool) -> None:
        self._clock = clock
        self._poller = poller
        self._alone = alone
        #: How long it takes us as a rule from calling a slice over until the stop is sent, and when we last called.
        self._reaction_ns = 0
        self._called_ns: int | None = None
        #: When we let somebody run and have not gone to sleep since; how much later his slice then began.
        self._started_ns: int | None = None
        self._owed_ns = 0

    def call_ns(self, end_ns: int) -> int:
        """When a slice that ends then is called over."""
        return end_ns - self._reaction_ns + self._owed_ns

    def wake_ns(self, end_ns: int) -> int:
        """When we have to wake up for that, which takes its time as well."""
        return self.call_ns(end_ns) - (self._poller.lateness_ns if self._alone else 0)

    def await_call(self, end_ns: int) -> None:
        """Wait awake for what is left until the call, if it is near."""
        call_ns = self.call_ns(end_ns)
        while 0 < call_ns - self._clock.now_ns() < _SPIN_NS:
            pass

    def begin(self) -> None:
        """We are about to sleep, or to look around again."""
        self._called_ns = None
        if self._started_ns is not None:
            self._owed_ns, self._started_ns = self._clock.now_ns() - self._started_ns, None

    def called(self) -> None:
        """A slice has been called over just now."""
        self._called_ns = self._clock.now_ns()

    def switched(self, stopped_ns: int | None, started_ns: int | None) -> None:
        """Processes were told to stop (when, the last of them; None: nobody was), and let run."""
        if not self._alone:
            self._owed_ns, self._started_ns = 0, started_ns
        elif stopped_ns is not None and self._called_ns is not None:
            reaction_ns = stopped_ns - self._called_ns
            if 0 < reaction_ns < _SLOWEST_NS:
                self._reaction_ns += (reaction_ns - self._reaction_ns) // 8
