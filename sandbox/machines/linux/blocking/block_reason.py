"""Finds out why a process is blocked from the system: its call, the arguments and its files, never from the script."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Container, Iterable, Iterator

from sandbox.machines.linux import procfs, procfs_files
from sandbox.machines.linux.blocking.channels import by_channel
from sandbox.machines.linux.blocking.futexes import futex
from sandbox.machines.linux.blocking.open_files import brief_name, is_ready, open_file, other_end
from sandbox.machines.linux.blocking.polled import (
    innermost,
    polled_descriptors,
    signed,
    time_at,
    time_limit,
    time_until,
)
from sandbox.machines.linux.blocking.system_calls import entered_call
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.open_file import OpenFile
from sandbox.model.events import Clause, Figure
from sandbox.util.text import clean_line
from sandbox.util.units import S

READS_CONSOLE, OPENS_FIFO = Clause("read console"), Clause("open fifo")
WAITING = Clause("waiting")

_TIMER_ABSTIME = 1
_P_PID, _P_PIDFD = 1, 3
#: At most so many of the descriptors that are waited for are named; the rest is "…".
_MAX_NAMED = 3
#: At most so many bytes of a path are read.
_MAX_PATH = 256
#: At most so many threads of a process are examined whose first thread has ended or waits for another one.
_MAX_THREADS = 32
#: Waits that are usually ended by another thread of the same process.
_FOR_THREADS = ("mutex", "condition", "semaphore", "lock or semaphore", "futex", "barrier", "join")
#: The wait for each kind of the system's own files, when read or polled.
_OF_THE_SYSTEM = {
    "eventfd": "eventfd",
    "timerfd": "timer",
    "signalfd": "signal",
    "inotify": "file change",
    "fanotify": "file change",
    "pidfd": "wait for child",
    "io_uring": "io",
}


def block_reason(child: Child, waited_ns: int, relatives: Iterable[Child], tid: int | None = None) -> Clause:
    """Return what a process waits for, or one thread of it (``tid``); ``waiting`` if the system does not tell.

    ``waited_ns``: how long it has waited; ``relatives``: the processes that may be at the other end of a pipe. In the
    figures, ``child`` and ``peer`` are os_pids; ``for_ns`` is the maximum length of the wait from its beginning; in a
    wait for another thread, ``tid`` is the number of that thread, and ``cause`` the rule of what that thread waits for,
    whose figures are included.
    """
    reason = _Reason(child, waited_ns, relatives)
    return reason.of_process() if tid is None else reason.of_thread(tid)


class _Reason:
    """Finds the reason for one process."""

    def __init__(self, child: Child, waited_ns: int, relatives: Iterable[Child]) -> None:
        self._child = child
        self._os_pid = child.os_pid
        self._waited_ns = waited_ns
        self._relatives = relatives

    def of_process(self) -> Clause:
        """Return the reason of the first thread, or, if that has ended, of the next one. If the thread waits for
        another thread, what that one waits for is included."""
        on = self.of_thread(self._os_pid)
        if on == WAITING and procfs.read_state(self._child.stat_fd)[0] == "Z":
            return next((found for _, found in self._of_others() if found != WAITING), on)
        if on.rule == "join":
            tid = int(on.figures["tid"] or 0)
            return self._behind(on, ((tid, self.of_thread(tid)),), ("join",))
        return self._behind(on, self._of_others(), _FOR_THREADS) if on.rule in _FOR_THREADS else on

    def _of_others(self) -> Iterator[tuple[int, Clause]]:
        """Yield the other threads, each with what it waits for."""
        for tid in procfs.thread_ids(self._os_pid)[:_MAX_THREADS]:
            if tid != self._os_pid:
                yield tid, self.of_thread(tid)

    def _behind(self, on: Clause, threads: Iterable[tuple[int, Clause]], silent: Container[str]) -> Clause:
        """Add what the first of these threads waits for whose rule is not ``silent``, i.e. not a mere wait for a
        thread."""
        for tid, found in threads:
            if found != WAITING and found.rule not in silent:
                return Clause(on.rule, {**found.figures, **on.figures, "tid": tid, "cause": found.rule})
        return on

    def of_thread(self, tid: int) -> Clause:
        """Return the reason of one thread alone."""
        entered = entered_call(self._child, tid)
        if entered == "running":
            return WAITING  # it has just woken
        if entered is not None and entered.call is not None:
            return self._in_call(entered.call, entered.arguments, tid)
        on = by_channel(procfs.wait_channel(self._os_pid, tid))
        if on == WAITING and entered is not None and entered.number is not None:
            return Clause("call", {"number": entered.number})
        return on

    def _in_call(self, call: str, arguments: list[int], tid: int) -> Clause:
        match call:
            case "read" | "write" | "recv" | "send" | "accept" | "connect" | "device" | "close":
                return self._on_file(call, arguments[0])
            case "splice" | "copy_file_range":
                return self._on_either(arguments[0], arguments[2])
            case "tee":
                return self._on_either(arguments[0], arguments[1])
            case "sendfile":
                return self._on_either(arguments[1], arguments[0])
            case "open" | "creat" | "openat" | "openat2":
                return self._opening(call, arguments, tid)
            case "nanosleep":
                return _sleep(time_at(self._os_pid, arguments[0]))
            case "clock_nanosleep" if arguments[1] & _TIMER_ABSTIME:
                return _sleep(time_until(self._os_pid, arguments[2], arguments[0], self._waited_ns))
            case "clock_nanosleep":
                return _sleep(time_at(self._os_pid, arguments[2]))
            case "select" | "pselect" | "poll" | "ppoll" | "epoll" | "epoll_pwait2":
                return self._on_several(call, arguments)
            case "wait4":
                return Clause("wait for child", _named("child", signed(arguments[0])))
            case "waitid":
                return Clause("wait for child", _named("child", self._awaited(arguments[0], arguments[1])))
            case "futex":
                return futex(self._os_pid, arguments, procfs.program(self._os_pid).startswith("python"))
            case "futexes":
                return Clause("futex")
            case "restart_syscall":  # a call that has a time limit
                on = by_channel(procfs.wait_channel(self._os_pid, tid))
                return Clause("sleep") if on == WAITING else on
            case _:
                return Clause(call)

    # One file

    def _on_file(self, call: str, descriptor: int) -> Clause:
        file = open_file(self._child, descriptor)
        if file is None:
            return Clause(call)
        if file.kind == "console" and call == "read":
            return Clause(READS_CONSOLE.rule, self._echo())
        if file.kind in _OF_THE_SYSTEM:
            return self._on_own_file(file, descriptor)
        if call == "device":  # usually tcdrain: it waits until its output is out
            return Clause("write console" if file.kind == "console" else call)
        if file.kind == "pipe":
            other = other_end(self._child, file.target, call == "write", self._relatives)
            return Clause(f"{call} pipe", _named("peer", other.os_pid if other is not None else 0))
        if file.kind == "socket":
            return _on_socket({"read": "recv", "write": "send"}.get(call, call), file)
        if call == "close" or file.kind == "device":
            return Clause("close" if call == "close" else "device")
        if file.kind == "file" and procfs.read_state(self._child.stat_fd)[0] == "D":
            return Clause("disk")
        return Clause(f"{call} {file.kind}")

    def _on_own_file(self, file: OpenFile, descriptor: int) -> Clause:
        """Return the reason for waiting for one of the system's own files."""
        rule = _OF_THE_SYSTEM[file.kind]
        facts = procfs_files.descriptor_facts(self._os_pid, descriptor)
        if file.kind == "pidfd":
            return Clause(rule, _named("child", _number(facts.get("Pid", ""))))
        if file.kind == "timerfd":
            left = [_number(word) for word in facts.get("it_value", "").strip("()").split(",")]
            if len(left) == 2 and any(left):
                return Clause(rule, {"for_ns": left[0] * S + left[1] + self._waited_ns})
        return Clause(rule)

    def _on_either(self, source: int, sink: int) -> Clause:
        """Return the reason for waiting for two files: the one that is not ready."""
        writes = is_ready(self._child, source, writes=False) is not False
        return self._on_file("write", sink) if writes else self._on_file("read", source)

    def _opening(self, call: str, arguments: list[int], tid: int) -> Clause:
        """Return the reason for waiting while opening a file: a named pipe whose other end is not open. The path is not
        looked up, because its file system may be served by a process that we have stopped."""
        on = by_channel(procfs.wait_channel(self._os_pid, tid))
        if on.rule != OPENS_FIFO.rule:
            return on if on.rule == "disk" else Clause("open")
        address, flags = arguments[call.startswith("openat") :][:2]
        if call == "openat2":
            flags = int.from_bytes(procfs.read_memory(self._os_pid, flags, 8), "little")
        writes = call == "creat" or flags & os.O_ACCMODE == os.O_WRONLY
        path = procfs.read_memory(self._os_pid, address, _MAX_PATH).partition(b"\0")[0].decode(errors="replace")
        return Clause(on.rule, {"path": clean_line(path), "for": "writing" if writes else "reading"} if path else {})

    def _awaited(self, kind: int, which: int) -> int:
        """Return the os_pid that ``waitid`` waits for; 0 if it waits for any of several."""
        if kind == _P_PIDFD:
            return _number(procfs_files.descriptor_facts(self._os_pid, which).get("Pid", ""))
        return which if kind == _P_PID else 0

    # Several files

    def _on_several(self, call: str, arguments: list[int]) -> Clause:
        """Return the reason for waiting for any of several descriptors; with no descriptors, the call is a sleep."""
        limit_ns = time_limit(self._os_pid, call, arguments)
        polled = polled_descriptors(self._os_pid, call, arguments)
        polled[:_MAX_NAMED] = innermost(self._os_pid, polled[:_MAX_NAMED])
        if not polled and call not in ("epoll", "epoll_pwait2"):
            return _sleep(limit_ns) if limit_ns is not None else Clause("signal")  # nothing else can end it
        files = [open_file(self._child, descriptor) for descriptor in polled[:_MAX_NAMED]]
        if len(polled) == 1 and (only := files[0]) is not None and only.kind in _OF_THE_SYSTEM:
            return self._on_own_file(only, polled[0])
        named = [brief_name(file, descriptor) for file, descriptor in zip(files, polled, strict=False)]
        figures: dict[str, Figure] = {"on": ", ".join(named + ["…"] * (len(polled) > _MAX_NAMED))}
        if limit_ns is not None:
            figures["for_ns"] = limit_ns
        return Clause("poll", figures | (self._echo() if "console" in named else {}))

    def _echo(self) -> dict[str, Figure]:
        """Whether to hide what is typed into its console."""
        return {"echo": "off"} if self._child.console is not None and self._child.console.hides else {}


def _on_socket(call: str, file: OpenFile) -> Clause:
    address = file.own if call == "accept" else file.peer
    return Clause(call, {"at": clean_line(address)} if address else {})


def _sleep(length_ns: int | None) -> Clause:
    return Clause("sleep") if length_ns is None else Clause("sleep", {"for_ns": length_ns})


def _named(what: str, os_pid: int) -> dict[str, Figure]:
    return {what: os_pid} if os_pid > 0 else {}


def _number(word: str) -> int:
    return int(word) if word.strip().lstrip("-").isdecimal() else 0
