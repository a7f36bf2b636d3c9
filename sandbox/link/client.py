"""The terminal's process's side of a kernel process: start it, receive its events, end it, and clean up."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sandbox.link.guardians import Keeper
from sandbox.link.namespace import own_pid_namespace
from sandbox.link.stream import EventStream
from sandbox.link.wire import last_words
from sandbox.model.commands import Quit
from sandbox.model.events import Event
from sandbox.model.spec import Boot
from sandbox.util.scratch import unnamed_file

if TYPE_CHECKING:
    if sys.platform == "linux":
        from sandbox.machines.linux.cpu_claims import CpuClaim
        from sandbox.machines.linux.strangers import Strangers
    else:
        CpuClaim = Any
        Strangers = Any

#: How long the kernel process may take to end all of its children and exit.
_PATIENCE_S = 6.0
#: Bytes of its standard error that are read; the dump of a deep stack fits.
_MAX_WORDS = 1 << 15

if sys.platform == "linux":
    _CPUS = os.sched_getaffinity(0)
else:
    _CPUS: set[int] = set()


class KernelProcess(EventStream):
    """A kernel process. It may be started from the main thread only, because it is killed when the thread that has
    started it ends."""

    def __init__(self, boot: Boot, strict: bool = False, beats: bool = False, along: Sequence[int] = ()) -> None:
        """Start it, without access to the terminal. ``beats``, ``along``: see ``EventStream``. ``strict``: start it in
        a pid namespace of its own, so that the system kills all of its descendants with it in any case; pids are those
        of that namespace then."""
        self._before = adopt_orphans()
        use_all_cpus()
        self._claim, boot = claim(boot)
        ours, theirs = socket.socketpair()
        self._stderr = unnamed_file()
        kernel = ["sandbox.kernel", "sandbox.link.server", str(theirs.fileno())]
        command = [sys.executable, "-P", "-X", "utf8", "-m", *kernel]
        if strict:
            command = [*own_pid_namespace(), *command]
        self._keeper = Keeper(command, theirs.fileno(), self._stderr.fileno(), talks=not boot.attended)
        theirs.close()
        self._watch: Callable[[int], None] | None = None
        keep_off_mini_cpus(boot)
        #: Whether it has turned out that the keeper was killed.
        self.unguarded = False
        super().__init__(ours, boot, beats, along)

    @property
    def os_pid(self) -> int:
        return self._keeper.kernel

    def beat(self) -> None:
        """Note that the app is alive."""
        if self._watch is None and self._keeper.has_told:
            self._watch = watch_over(self.os_pid)
        super().beat()

    def _send_beat(self) -> None:
        """Send a heartbeat, and check that the kernel process reads what is sent."""
        super()._send_beat()
        if not self.closed and self._watch is not None:
            self._watch(self.fileno())

    def quit(self) -> Iterator[Event]:
        """Ask it to end all processes. Yields the events until it has exited, or until it has taken too long."""
        self._keeper.continue_kernel()  # in case it was stopped
        self.send(Quit())
        yield from self.events(_PATIENCE_S)

    def end(self) -> list[Event]:
        """End the kernel process and its children by a command, else by SIGKILL, and kill what is left. Returns its
        last events."""
        self.rest()  # from here on, waiting for events sends the heartbeats
        last = [*self.quit()]
        heard = self.closed
        self.close()  # which the kernel process notices, too
        use_all_cpus()
        self.unguarded = not self._keeper.end(_PATIENCE_S if heard else 0)
        if self.unguarded:
            sweep(self._before)
        if self._claim is not None:
            self._claim.release()
        self._stderr.close()
        return last

    def last_words(self) -> str:
        """Return what it wrote to its standard error, which tells why it has died."""
        return last_words(self._stderr, _MAX_WORDS)


def use_all_cpus() -> None:
    """Allow this process all of its CPUs again, so that processes that it starts next have them all."""
    if sys.platform == "linux" and _CPUS:
        with suppress(OSError):
            os.sched_setaffinity(0, _CPUS)


def all_cpus() -> list[int]:
    """Return the CPUs that this process had at its start, including those that it keeps off now."""
    return sorted(_CPUS)


def claim(boot: Boot) -> tuple[CpuClaim | None, Boot]:
    """Claim real CPUs for a run. Returns the claim, and ``boot`` with the CPUs filled in."""
    if sys.platform == "linux" and not boot.virtual:
        from sandbox.machines.linux.cpu_claims import claim_cpus

        found = claim_cpus(boot.scenario.machine.cpus)
        return found, replace(boot, claimed=found.cpus, shared=found.shared, others=found.others)
    return None, boot


def keep_off_mini_cpus(boot: Boot) -> None:
    """Keep this process off the real CPUs of the mini CPUs, if the machine has others."""
    if sys.platform == "linux" and not boot.virtual:
        from sandbox.machines.linux.cpus import assign_cpus

        with suppress(OSError):
            os.sched_setaffinity(0, assign_cpus(boot.scenario.machine.cpus, boot.claimed, boot.others).engine)


def adopt_orphans() -> Strangers | None:
    """Become a subreaper: this process inherits the kernel process if the keeper is killed, and the remaining processes
    if both are killed. Returns the processes that exist already, which are not ours."""
    if sys.platform != "linux":
        return None
    from sandbox.machines.linux import strangers
    from sandbox.util import libc

    with suppress(OSError):  # the first birth reports it, as in the keeper
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    return strangers.Strangers()


def watch_over(session: int) -> Callable[[int], None]:
    """Return the function to call with our end of the link at each heartbeat, which ends a hanging kernel process."""
    if sys.platform != "linux":
        return lambda _: None
    from sandbox.link import watchdog

    return watchdog.Watchdog(session).look


def sweep(strangers: Strangers | None) -> None:
    """Kill the processes that are left after both the kernel process and the keeper were killed."""
    if sys.platform == "linux" and strangers is not None:
        from sandbox.machines.linux import cgroup
        from sandbox.machines.linux.process.sweep import end_descendants
        from sandbox.machines.linux.stepping import rooms

        cgroup.sweep()
        end_descendants(strangers)
        rooms.sweep()
