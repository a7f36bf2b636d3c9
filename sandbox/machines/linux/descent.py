"""Finds the descendants of processes by ``/proc/PID/stat``: the part of ``procfs`` that the keeper needs, too.

The keeper has only a few megabytes of memory, so nothing large is imported here.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

TYPE_CHECKING = False  # importing ``typing`` takes a megabyte
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

#: State letters of processes that cannot run before another one acts: stopped by a signal or a tracer, zombie, gone.
#: Sleeping ones (S, D, I) are not among them, because they may wake up at any time.
HALTED = "TtZX"
#: The longest chain of parents that is followed, since it may change while it is read.
_MAX_ANCESTORS = 1_000


class Stat:
    """The first fields of ``/proc/PID/stat``. Raises OSError if the process is gone.

    ``stat_fd``: a descriptor of ``open_stat``, if there is one.
    """

    __slots__ = ("name", "os_pid", "parent", "session", "state")

    def __init__(self, os_pid: int, stat_fd: int | None = None) -> None:
        if stat_fd is None:
            with open(f"/proc/{os_pid}/stat", "rb", buffering=0) as file:
                data = file.read(512)
        else:
            data = os.pread(stat_fd, 512, 0)
        end = data.rindex(b")")  # the name may contain anything, also parentheses
        fields = data[end + 2 :].split(None, 5)
        self.os_pid = os_pid
        self.name = data[data.index(b"(") + 1 : end].decode(errors="replace")
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.session = int(fields[3])


def process_ids() -> list[int]:
    """Return the os_pids of all visible processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def stats() -> Iterator[Stat]:
    """Yield ``Stat`` of all visible processes."""
    for os_pid in process_ids():
        try:
            stat = Stat(os_pid)
        except OSError:
            continue  # ended meanwhile
        yield stat


def nobody(_: Stat) -> bool:
    """Return False: spare no process."""
    return False


def family(ancestor: int, spared: Callable[[Stat], bool] = nobody) -> list[Stat]:
    """Return the descendants of a process including zombies, the nearest first, without spared ones and theirs."""
    children: dict[int, list[Stat]] = {}
    for stat in stats():
        children.setdefault(stat.parent, []).append(stat)
    found: list[Stat] = []
    generation = [ancestor]
    while generation:
        nearest = [stat for parent in generation for stat in children.get(parent, ()) if not spared(stat)]
        found += nearest
        generation = [stat.os_pid for stat in nearest]
    return found


def descendants(ancestor: int, sparing: Collection[int] = ()) -> list[int]:
    """Return the os_pids of a process's descendants, without those in ``sparing`` and theirs."""
    return [stat.os_pid for stat in family(ancestor, lambda stat: stat.os_pid in sparing)]


def descends_from(os_pid: int, ancestor: int) -> bool:
    """Whether a process descends from another one."""
    for _ in range(_MAX_ANCESTORS):
        if os_pid <= 1:
            return False
        try:
            os_pid = Stat(os_pid).parent
        except OSError:
            return False
        if os_pid == ancestor:
            return True
    return False
