"""Who has what others wait for: locks in memory say it themselves, things of System V only whether the board uses them."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.machines.linux.blocking import holders
from sandbox.machines.linux.blocking.census import Census, Held
from sandbox.machines.linux.blocking.futexes import owners
from sandbox.machines.linux.blocking.queues import is_of_the_board, queue_holders
from sandbox.machines.linux.blocking.system_calls import Entered
from sandbox.machines.linux.blocking.waits import WaitMonitor, _groups, _Look
from sandbox.machines.linux.process.child import Child
from sandbox.model.spec import ProcessSpec
from sandbox.util import libc
from sandbox.util.units import MS

_WAIT, _WAIT_BITSET, _LOCK_PI = 0, 9, 6
_IPC_PRIVATE, _IPC_RMID, _SETVAL, _GETPID = 0, 0, 16, 11


def memory(*words: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    kept = ctypes.create_string_buffer(struct.pack(f"={len(words)}I", *words), 4 * len(words))
    return kept, ctypes.addressof(kept)


@pytest.mark.parametrize(
    ("words", "operation", "value", "found"),
    [
        ((2, 0, 77, 1, 0), _WAIT, 2, [77]),
        ((2, 1, 77, 1, 1), _WAIT, 2, [77]),
        ((0, 0, 77, 1, 0), _WAIT, 2, []),  # just let go
        ((2, 0, 0x3000, 0x7F12, 0x5000), _WAIT, 2, []),  # a lock of the library's own, which has something else there
        ((0x80000000 | 77, 0, 0, 1, 32), _LOCK_PI, 0, [77]),
        ((0x80000000 | 77, 1, 77, 1, 16), _WAIT, 0x80000000 | 77, [77]),
    ],
)
def test_a_mutex_knows_its_owner(words: tuple[int, ...], operation: int, value: int, found: list[int]) -> None:
    _kept, at = memory(*words)
    assert owners(os.getpid(), [at, operation, value]) == found


@pytest.mark.parametrize("waited_at", [8, 12])
def test_a_lock_for_readers_and_a_writer_knows_the_writer(waited_at: int) -> None:
    # readers, writers, two places to wait at, two words, the writer, whether it is shared
    _kept, at = memory(0, 0, 0, 0, 2, 1, 3, 3, 0, 0, 77, 0, 0, 0, 0, 0)
    assert 77 in owners(os.getpid(), [at + 16 + waited_at, _WAIT_BITSET, 3])
    _kept, at = memory(0, 0, 0, 0, 8, 1, 3, 3, 0, 0, 77, 0, 0, 0, 0, 0)
    assert owners(os.getpid(), [at + 16 + waited_at, _WAIT_BITSET, 3]) == []  # readers have it


def test_the_end_of_one_of_several_while_they_are_looked_at_is_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round is taken in pieces, and whoever had the other end when it began need not be there when it is over."""
    monkeypatch.setattr(holders, "time_limit", lambda *_: None)
    monkeypatch.setattr(holders, "polled_descriptors", lambda *_: [3])
    monkeypatch.setattr(holders, "_on_file", lambda *_: Held("pipe", (), [1, 2]))
    waiter, other = (
        Child(os.getpid(), ProcessSpec("us"), forked=False),
        Child(os.getpid(), ProcessSpec("us"), None, False),
    )
    known = {1: waiter, 2: other}
    census = Census(known, Any)  # type: ignore[arg-type]
    found = holders._on_several(census, waiter, "poll", [])
    assert found is not None
    del known[2]
    assert holders._on_several(census, waiter, "poll", []) is None
    waiter.close()
    other.close()


def test_whether_a_semaphore_of_system_v_is_of_the_board() -> None:
    child = Child(os.getpid(), ProcessSpec("us"), forked=False)
    key = 0x57414954 ^ os.getpid()
    private, open_to_all = libc.call("semget", _IPC_PRIVATE, 1, 0o600), libc.call("semget", key, 1, 0o1600)
    try:
        assert is_of_the_board(child, "semaphore", private, ())
        assert not is_of_the_board(child, "semaphore", open_to_all, {os.getpid()}), "nobody has ever used it"
        libc.call("semctl", open_to_all, 0, _SETVAL, 1)
        assert is_of_the_board(child, "semaphore", open_to_all, {os.getpid()})
        assert not is_of_the_board(child, "semaphore", open_to_all, {1})
    finally:
        for each in (private, open_to_all):
            libc.call("semctl", each, 0, _IPC_RMID)
        child.close()


def test_who_has_used_a_semaphore_of_system_v_may_release_it() -> None:
    child = Child(os.getpid(), ProcessSpec("us"), forked=False)
    number = libc.call("semget", _IPC_PRIVATE, 2, 0o600)
    code = f"import ctypes, sys; ctypes.CDLL(None).semctl({number}, 0, {_SETVAL}, 1); sys.stdin.read()"
    try:
        libc.call("semctl", number, 1, _SETVAL, 0)
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
            other = Child(process.pid, ProcessSpec("other"), None, False)
            bystander = Child(os.getppid(), ProcessSpec("bystander"), None, False)
            bystander.console = other.console = Mock()
            known = {each.os_pid: each for each in (child, other, bystander)}
            census = Census(known, Any)  # type: ignore[arg-type]
            while libc.call("semctl", number, 0, _GETPID) != process.pid:
                pass
            for semaphore, likely in ((0, {child.os_pid, other.os_pid}), (1, set())):
                kept, at = memory(semaphore, 0)
                entered = Entered("semaphore", 65, [number, at, 1, 0, 0, 0], 0)
                held = queue_holders(census, child, entered)
                assert held is not None
                assert {os_pid for os_pid, _ in held.likely} == likely
                assert {os_pid for os_pid, _ in held.groups[0]} == {*known}
                look = _Look({(1, 1): held}, {}, {})
                assert dict(_groups(look, certain=True))[1, 1] == held.groups
                assert dict(_groups(look, certain=False))[1, 1] == ((held.likely,) if likely else held.groups)
                del kept
            process.communicate()
            other.close()
            bystander.close()
    finally:
        libc.call("semctl", number, 0, _IPC_RMID)
        child.close()


def test_who_has_used_a_queue_of_system_v_may_send_to_it() -> None:
    child = Child(os.getpid(), ProcessSpec("us"), forked=False)
    number = libc.call("msgget", _IPC_PRIVATE, 0o600)
    code = (
        f"import ctypes, sys; ctypes.CDLL(None).msgsnd({number}, b'a' * 16, 8, 0); print(flush=True); sys.stdin.read()"
    )
    try:
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            other = Child(process.pid, ProcessSpec("other"), None, False)
            bystander = Child(os.getppid(), ProcessSpec("bystander"), None, False)
            bystander.console = Mock()
            known = {each.os_pid: each for each in (child, other, bystander)}
            receives = Entered("receive message", 70, [number, 0, 8, 0, 0, 0], 0)
            for sent in (False, True):
                if sent:
                    assert process.stdout is not None
                    process.stdout.read(1)
                users: dict[int, set[int]] = {}
                census = Census(known, Any, None, users)  # type: ignore[arg-type]
                held = queue_holders(census, child, receives)
                assert held is not None
                assert {os_pid for os_pid, _ in held.groups[0]} == {*known}
                assert {os_pid for os_pid, _ in held.likely} == {child.os_pid, other.os_pid}, "or the family, before"
            users[number].add(bystander.os_pid)
            held = queue_holders(census, child, receives)
            assert held is not None
            assert {os_pid for os_pid, _ in held.likely} == {*known}, "it had used it before"
            process.communicate()
            other.close()
            bystander.close()
    finally:
        libc.call("msgctl", number, _IPC_RMID, 0)
        child.close()


def test_a_queue_of_system_v_is_found_among_many() -> None:
    child = Child(os.getpid(), ProcessSpec("us"), forked=False)
    queues = [libc.call("msgget", _IPC_PRIVATE, 0o600) for _ in range(64)]
    try:
        assert all(is_of_the_board(child, "receive message", each, ()) for each in queues)
    finally:
        for each in queues:
            libc.call("msgctl", each, _IPC_RMID, 0)
        child.close()


class _Blocked:
    def __init__(self) -> None:
        self.by_pid: dict[int, Child] = {}
        self.for_others, self.for_threads, self.changed = True, False, False


def test_a_round_ends_soon_however_long_we_wait_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = [0]
    cpu_ns = [0]
    monkeypatch.setattr("time.monotonic_ns", lambda: now_ns[0])
    monkeypatch.setattr("time.thread_time_ns", lambda: cpu_ns[0])
    monitor = WaitMonitor({}, _Blocked(), None, None)  # type: ignore[arg-type]
    pieces = 0

    def work() -> Iterator[None]:
        nonlocal pieces
        for _ in range(20):
            pieces += 1
            now_ns[0] += 6 * MS  # most of which others had the CPU
            cpu_ns[0] += MS // 2
            yield

    monkeypatch.setattr(monitor, "_look", work)
    monitor.look(frozen=False)
    assert not pieces
    while pieces < 20:
        now_ns[0] = monitor.next_ns
        monitor.look(frozen=False)
    assert now_ns[0] < 15 * MS + 20 * 6 * MS + 40 * MS, "pauses go by what we have worked, and end"
