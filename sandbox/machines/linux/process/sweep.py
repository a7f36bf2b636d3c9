"""How nothing is left: all that descends from this process is first brought to a standstill, then killed.

Whoever calls it is the subreaper of the processes in question, so that an orphan of any generation comes to it in the
end. Killing one after the other would be a race against those that fork, and be lost against many; what stands still
does not fork. It never gives up: a process that sits in the system does not even die of SIGKILL before it leaves it.

Every signal goes through a pidfd to a process that was just seen to be ours. The keeper is a process of a few megabytes
that calls this, so nothing is imported here that costs one.
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

#: So long it is tried to bring all of them to a standstill before the killing begins.
_MAX_STANDSTILL_NS = 2_000_000_000
#: Between two looks at all of ``/proc``: so short at first, and so long where nothing changes any more.
_MIN_PAUSE_S, _MAX_PAUSE_S = 0.001, 0.1
#: Who waits is told after so long that something is still there, and again each time that so long has passed.
_PATIENCE_NS = 2_000_000_000


def end_descendants(spared: Callable[[Stat], bool] = nobody, say: Callable[[int], object] | None = None) -> None:
    """Kill every descendant of this process but those that are ``spared``, and theirs; returns when none is left.
    ``say``: told how many are still there where that takes long."""
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
    """Stop all that may fork, and who has been born meanwhile, until a look finds nobody who runs: the family then."""
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
    """Signal a process whose parent is one of the family; by now its number may be a stranger's."""
    try:
        pidfd = os.pidfd_open(os_pid)
    except ProcessLookupError:
        return
    except OSError:  # it is forbidden here
        pidfd = -1
    try:
        if Stat(os_pid).parent in family:
            _send_through(pidfd, os_pid, number)
    except OSError:  # it is gone, or has gained rights that we have not
        pass
    finally:
        if pidfd >= 0:
            os.close(pidfd)


def _send_through(pidfd: int, os_pid: int, number: int) -> None:
    try:
        _signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        raise
    except OSError:  # there is no such call, or it is forbidden: then by its number, which was its own a moment ago
        os.kill(os_pid, number)


def _reap(os_pid: int) -> None:
    try:
        os.waitpid(os_pid, os.WNOHANG)
    except OSError:  # somebody else did, or nobody has to
        pass
