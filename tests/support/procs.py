"""What ``/proc`` says of processes. Of one that is gone it says nothing, which is no error."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sandbox.machines.linux.process.session import LEADER

#: What nobody schedules below a kernel process: who leads a session, and who keeps moves between control groups quick.
HELPERS = {LEADER, "mover"}


def os_pids() -> list[int]:
    """All processes, this one among them."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def fields(os_pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name: state, parent, …; none when it is gone."""
    try:
        with open(f"/proc/{os_pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def state(os_pid: int) -> str:
    """The state letter; "" when it is gone."""
    return (fields(os_pid) or [""])[0]


def parent(os_pid: int) -> int:
    return int((fields(os_pid) or ["0", "0"])[1])


def cpu_ticks(os_pid: int) -> int:
    """CPU time in the system's ticks of 10 ms."""
    stat = fields(os_pid)
    return int(stat[11]) + int(stat[12]) if stat else 0


def resident_kib(os_pid: int) -> int:
    with open(f"/proc/{os_pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def command_line(os_pid: int) -> str:
    try:
        return Path(f"/proc/{os_pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def children_by_parent() -> dict[int, list[int]]:
    """Every living process under its parent."""
    found: dict[int, list[int]] = {}
    for os_pid in os_pids():
        stat = fields(os_pid)
        if stat and stat[0] not in "ZX":
            found.setdefault(int(stat[1]), []).append(os_pid)
    return found


def scheduled(os_pids: Iterable[int]) -> list[int]:
    """These without our own helpers."""
    return [os_pid for os_pid in os_pids if name(os_pid) not in HELPERS]


def children(os_pid: int) -> list[int]:
    """Those whose parent it is; zombies and our own helpers are left out."""
    return scheduled(children_by_parent().get(os_pid, []))


def descendants(os_pid: int) -> list[int]:
    """Its children, their children and so on, nearest first."""
    known, found = children_by_parent(), [os_pid]
    for ancestor in found:  # grows as we go
        found += known.get(ancestor, [])
    return found[1:]


def kill(*os_pids: int, number: signal.Signals = signal.SIGKILL) -> None:
    """One right after the other; the death of one may already have been the end of the next."""
    for os_pid in os_pids:
        with suppress(ProcessLookupError):
            os.kill(os_pid, number)


def gone(*os_pids: int) -> bool:
    """Whether none of them lives any more."""
    return all(state(os_pid) in ("", "Z", "X") for os_pid in os_pids)


def frozen(os_pid: int) -> bool:
    """Whether its control group is."""
    try:
        group = Path(f"/proc/{os_pid}/cgroup").read_text().rpartition("::")[2].strip()
    except OSError:
        return False
    for mounted in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        with suppress(OSError):
            return "frozen 1" in Path(f"{mounted}{group}/cgroup.events").read_text()
    return False


def all_stopped(os_pids: list[int]) -> bool:
    """Whether none of them may run. While one looks from one to the next, a CPU may go the other way: so it is looked
    at several times."""
    for _ in range(5):
        if any(state(os_pid) != "T" and not frozen(os_pid) for os_pid in os_pids):
            return False
        time.sleep(0.02)
    return True


def zombie_children() -> list[int]:
    """Children of this process that have ended and whose status nobody has taken."""
    return [os_pid for os_pid in os_pids() if fields(os_pid)[:2] == ["Z", str(os.getpid())]]


def environment(os_pid: int) -> list[bytes]:
    """The variables it was started with; none where it may not be read."""
    try:
        return Path(f"/proc/{os_pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def name(os_pid: int) -> str:
    try:
        return Path(f"/proc/{os_pid}/comm").read_text().rstrip("\n")
    except OSError:
        return "gone by now"
