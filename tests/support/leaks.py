"""Nothing left behind: no process that carries the test's mark, no zombie of ours, no open descriptor, no port."""

from __future__ import annotations

import os
import signal
import socket
import time

_PATIENCE_S = 2.0


class LeftCheck:
    """The state of the world before a test, and whether it is the same afterwards.

    The mark is a variable in the environment, which every descendant inherits whatever it does.
    """

    VARIABLE = "OSSANDBOX_TEST_MARK"

    def __init__(self, marker: str, port: int = 9001) -> None:
        self.marker = marker
        self.port = port
        self._descriptors = open_descriptors()

    def marked(self) -> list[int]:
        """Living processes, other than this one, that carry the mark."""
        sign = f"{self.VARIABLE}={self.marker}".encode()
        found = []
        for name in os.listdir("/proc"):
            if name.isdecimal() and int(name) != os.getpid():
                try:
                    with open(f"/proc/{name}/environ", "rb") as file:
                        if sign in file.read().split(b"\0"):
                            found.append(int(name))
                except OSError:
                    continue
        return found

    def assert_nothing_left(self) -> None:
        """Within two seconds everything is as it was."""
        give_up = time.monotonic() + _PATIENCE_S
        while faults := self._faults():
            assert time.monotonic() < give_up, f"left behind: {faults}"
            time.sleep(0.02)

    def end_leftovers(self) -> None:
        """Whatever a failed test left is ended, so that the next one starts clean."""
        for os_pid in self.marked():
            try:
                os.kill(os_pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        reap()

    def _faults(self) -> list[str]:
        reap()
        faults = [f"process {os_pid}: {describe(os_pid)}" for os_pid in self.marked()]
        faults += [f"zombie child {os_pid}" for os_pid in own_children("Z")]
        more = open_descriptors() - self._descriptors
        if more:
            faults.append(f"descriptors {sorted(more)}")
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                faults.append(f"port {self.port}: {error}")
        return faults


def open_descriptors() -> set[tuple[int, str]]:
    """This process's descriptors and where they lead, unnamed files among them; event loops and caches of libraries
    left out."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith(("socket:", "pipe:", "/dev/pt", "anon_inode:[pidfd]")) or target.endswith(" (deleted)"):
            found.add((int(name), target))
    return found


def own_children(state: str) -> list[int]:
    """Children of this process in a state of ``/proc/PID/stat``."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] == state and int(fields[1]) == os.getpid():
                found.append(int(name))
    return found


def reap() -> None:
    """Take the statuses of orphans that came to this process (it is a subreaper while it runs a kernel process)."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def describe(os_pid: int) -> str:
    """What a process is, for a message."""
    try:
        with open(f"/proc/{os_pid}/stat") as file:
            return file.read().split(")")[0] + ")"
    except OSError:
        return "gone by now"
