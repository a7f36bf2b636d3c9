"""Who descends from whom, out of ``/proc/PID/stat``: the part of ``procfs`` that the keeper needs, too.

That is a process of a few megabytes for as long as a run lasts, so nothing is imported here that costs one.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

TYPE_CHECKING = False  # ``typing`` costs one
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

#: State letters of a process that cannot run before somebody else acts: stopped (by a signal, by a tracer), a zombie,
#: gone. One that sleeps (S, D, I) is not among them: it may wake at any time.
HALTED = "TtZX"
#: A chain of parents longer than this is not followed: it may have changed while it was read.
_MAX_ANCESTORS = 1_000


class Stat:
    """The first fields of ``/proc/PID/stat``. Raises OSError when the process is gone.

    ``stat_fd``: what ``open_stat`` gave, where the process is held open.
    """

    __slots__ = ("group", "name", "os_pid", "parent", "session", "state")

    def __init__(self, os_pid: int, stat_fd: int | None = None) -> None:
        if stat_fd is None:
            with open(f"/proc/{os_pid}/stat", "rb", buffering=0) as file:
                data = file.read(512)
        else:
            data = os.pread(stat_fd, 512, 0)
        end = data.rindex(b")")  # the name may contain anything, brackets too
        fields = data[end + 2 :].split(None, 5)
        self.os_pid = os_pid
        self.name = data[data.index(b"(") + 1 : end].decode(errors="replace")
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])


def process_ids() -> list[int]:
    """The os_pids of all processes that are shown to us."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def stats() -> Iterator[Stat]:
    """All processes that are shown to us."""
    for os_pid in process_ids():
        try:
            stat = Stat(os_pid)
        except OSError:
            continue  # it has ended since it was listed
        yield stat


def nobody(_: Stat) -> bool:
    """Nobody is spared."""
    return False


def family(ancestor: int, spared: Callable[[Stat], bool] = nobody) -> list[Stat]:
    """All that descend from a process, zombies included, nearest first; without those that are spared, and theirs."""
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
    """``family`` by its numbers, without ``sparing`` and theirs."""
    return [stat.os_pid for stat in family(ancestor, lambda stat: stat.os_pid in sparing)]


def descends_from(os_pid: int, ancestor: int) -> bool:
    """Whether a process is among those that descend from another one."""
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
