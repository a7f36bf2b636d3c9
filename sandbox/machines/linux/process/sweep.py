"""Ends all descendants of this process: first all of them are stopped, then killed.

The calling process must be their subreaper, so that orphans of any generation are handed to it. Killing one after the
other would be a race against those that fork, but a stopped process does not fork. The loop never gives up: a process
in an uninterruptible system call does not even die of SIGKILL before it leaves the call.

Every signal goes through a pidfd to a process that was just seen to be ours. The keeper calls this in a process of a
few megabytes, so large modules are not imported here.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _signal  # ``signal`` makes enumerations of this: a megabyte
import os
import time

from sandbox.machines.linux.descent import HALTED, Stat, family, nobody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: How long to try to stop all of them before the killing begins.
_MAX_STANDSTILL_NS = 2_000_000_000
#: The pause between two scans of ``/proc``: the shortest at first, the longest when nothing changes any more.
_MIN_PAUSE_S, _MAX_PAUSE_S = 0.001, 0.1
#: How long until the caller is told that processes are left, and the interval at which that is repeated.
_PATIENCE_NS = 2_000_000_000


def end_descendants(spared: Callable[[Stat], bool] = nobody, say: Callable[[int], object] | None = None) -> None:
    """Kill every descendant of this process except those that are ``spared`` and their descendants, and wait until none
    is left. ``say`` is called with the number of processes that are left when that takes long."""
    me, killed = os.getpid(), set[int]()
    pause_s, say_ns = _MIN_PAUSE_S, time.monotonic_ns() + _PATIENCE_NS
    while found := family(me, spared):
        known = {me, *(stat.os_pid for stat in found)}
        if not known - {me} <= killed:
            found = _stand_still(me, spared, killed)
            known = {me, *(stat.os_pid for stat in found)}
            pause_s = _MIN_PAUSE_S
        for stat in found:
            if stat.state == "Z" and stat.parent == me:
                _reap(stat.os_pid)
            elif stat.state != "Z":
                _send(stat.os_pid, _signal.SIGKILL, known)
                killed.add(stat.os_pid)
        if say is not None and time.monotonic_ns() > say_ns:
            say_ns += _PATIENCE_NS
            say(len(found))
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _MAX_PAUSE_S)


def _stand_still(me: int, spared: Callable[[Stat], bool], killed: Collection[int]) -> list[Stat]:
    """Stop all processes that may fork, including new ones, until a scan finds none that runs, or until it takes too
    long. Return the family."""
    give_up_ns = time.monotonic_ns() + _MAX_STANDSTILL_NS
    while True:
        found = family(me, spared)
        moving = [stat.os_pid for stat in found if stat.state not in HALTED and stat.os_pid not in killed]
        if not moving or time.monotonic_ns() > give_up_ns:
            return found
        known = {me, *(stat.os_pid for stat in found)}
        for os_pid in moving:
            _send(os_pid, _signal.SIGSTOP, known)


def _send(os_pid: int, number: int, family: Collection[int]) -> None:
    """Send a signal to a process if its parent is in the family. Otherwise its number belongs to another process by
    now."""
    try:
        pidfd = os.pidfd_open(os_pid)
    except ProcessLookupError:
        return
    except OSError:  # pidfds are forbidden here
        pidfd = -1
    try:
        if Stat(os_pid).parent in family:
            _send_through(pidfd, os_pid, number)
    except OSError:  # it has ended, or has gained privileges that we lack
        pass
    finally:
        if pidfd >= 0:
            os.close(pidfd)


def _send_through(pidfd: int, os_pid: int, number: int) -> None:
    try:
        _signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        raise
    except OSError:  # there is no such call, or it is forbidden: use its number, which was checked a moment ago
        os.kill(os_pid, number)


def _reap(os_pid: int) -> None:
    try:
        os.waitpid(os_pid, os.WNOHANG)
    except OSError:  # it was reaped already, or need not be
        pass
