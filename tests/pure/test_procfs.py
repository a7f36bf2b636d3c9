"""What is read of processes: of one that lives (this one) all of it, of one that is gone nothing, and no exception."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.machines.linux import procfs, procfs_counts, procfs_files, procfs_timers
from sandbox.machines.linux.process.child import Child
from sandbox.model.spec import ProcessSpec

ME = os.getpid()
#: Larger than any pid can be (PID_MAX_LIMIT).
NOBODY = 1 << 22


def test_descent() -> None:
    stat = procfs.Stat(ME)
    assert (stat.os_pid, stat.parent, stat.session) == (ME, os.getppid(), os.getsid(0))
    assert procfs.descends_from(ME, os.getppid())
    assert not procfs.descends_from(os.getppid(), ME)
    assert not procfs.descends_from(ME, ME), "nobody descends from itself"
    assert ME in procfs.descendants(os.getppid())
    assert ME not in procfs.descendants(os.getppid(), sparing={ME})
    assert ME in {each.os_pid for each in procfs.stats()}


def test_a_name_may_contain_anything() -> None:
    with open("/proc/self/comm") as comm:
        before = comm.read()
    try:
        with open("/proc/self/comm", "w") as comm:
            comm.write(") R 1 (")
        stat = procfs.Stat(ME)
        assert (stat.name, stat.parent) == (") R 1 (", os.getppid())
    finally:
        with open("/proc/self/comm", "w") as comm:
            comm.write(before.strip())


def test_threads() -> None:
    over = threading.Event()
    sleeper = threading.Thread(target=over.wait)
    sleeper.start()
    try:
        assert sleeper.native_id in procfs.thread_ids(ME)
        found = procfs.threads(ME)
        assert [thread.tid for thread in found] == sorted(procfs.thread_ids(ME))
        [ours] = [thread for thread in found if thread.tid == threading.get_native_id()]
        assert ours.state == "R"
        assert ours.cpu_ns > 0
        assert procfs.some_thread_runs(ME)
    finally:
        over.set()
        sleeper.join()


def test_signals() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    try:
        assert not procfs.withstands(ME, signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert procfs.withstands(ME, signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        assert procfs.withstands(ME, signal.SIGUSR1)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        assert signal.SIGUSR1 not in procfs.pending_signals(ME)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        assert signal.SIGUSR1 in procfs.pending_signals(ME)
    finally:
        signal.sigtimedwait({signal.SIGUSR1}, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR1, before)


def test_open_files() -> None:
    read, write = os.pipe()
    with socket.socket() as one, select.epoll() as epoll:
        epoll.register(read, select.EPOLLIN)
        inode = os.fstat(read).st_ino
        found = dict(procfs_files.descriptors(ME))
        assert found[read] == found[write] == procfs_files.descriptor_target(ME, read) == f"pipe:[{inode}]"
        assert (procfs_files.may_write(ME, read), procfs_files.may_write(ME, write)) == (False, True)
        assert os.fstat(one.fileno()).st_ino in procfs_files.socket_inodes(ME)
        assert list(procfs_files.epoll_descriptors(ME, epoll.fileno())) == [read]
    os.close(read)
    os.close(write)


def test_an_epoll_that_waits_for_more_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is cut off anywhere in a line."""
    with select.epoll() as epoll, socket.socket() as one:
        epoll.register(one, select.EPOLLIN)
        found = set()
        for limit in range(120):
            monkeypatch.setattr(procfs, "_MAX_SMALL_FILE", limit)
            found |= {tuple(procfs_files.epoll_descriptors(ME, epoll.fileno()))}
        assert found == {(), (one.fileno(),)}


def test_memory() -> None:
    found = procfs_counts.memory_use(ME, os.getppid())
    assert found is not None
    assert found.resident == found.shared + found.private > 1 << 20
    assert procfs_counts.memory_use(ME, NOBODY) is None, "no descendant of that one"
    text = b"these very bytes"
    address = id(text) + bytes.__basicsize__ - 1
    assert procfs.read_memory(ME, address, len(text)) == text
    assert procfs.read_memory(ME, 0, 16) == b""
    assert procfs.read_memory(ME, 1 << 64, 16) == b""


def test_of_one_that_is_gone_nothing_is_told() -> None:
    with pytest.raises(OSError):
        procfs.Stat(NOBODY)
    with pytest.raises(OSError):
        procfs.open_stat(NOBODY)
    assert procfs.command_line(NOBODY) == procfs.wait_channel(NOBODY) == procfs_files.descriptor_target(NOBODY, 0) == ""
    for found in (procfs.threads(NOBODY), procfs.thread_ids(NOBODY), procfs.descendants(NOBODY)):
        assert found == []
    assert [*procfs_files.descriptors(NOBODY)] == []
    assert [*procfs_files.epoll_descriptors(NOBODY, 0)] == []
    assert procfs.system_call(NOBODY) is None
    assert procfs_counts.memory_use(NOBODY, ME) is None
    assert procfs.scheduled_ns(NOBODY) is None
    assert not procfs.withstands(NOBODY, signal.SIGTERM)
    assert not procfs.pending_signals(NOBODY)
    assert not procfs.some_thread_runs(NOBODY)
    assert procfs_files.may_write(NOBODY, 0) is None


def test_one_that_ends_while_its_file_is_open() -> None:
    os_pid = os.fork()
    if os_pid == 0:
        os._exit(7)
    stat_fd = procfs.open_stat(os_pid)
    os.waitid(os.P_PID, os_pid, os.WEXITED | os.WNOWAIT)
    assert procfs.read_state(stat_fd)[0] == "Z"
    status = procfs.read_exit_status(stat_fd)
    assert status is not None
    assert os.waitstatus_to_exitcode(status) == 7
    os.waitpid(os_pid, 0)
    assert procfs.read_state(stat_fd) == ("X", 0)
    assert procfs.read_exit_status(stat_fd) is None
    os.close(stat_fd)


@pytest.mark.parametrize(
    ("letters", "state"),
    [("S", "S"), ("ZSR", "R"), ("ZSS", "S"), ("ZTT", "T"), ("ZXS", "S"), ("Z", "Z"), ("ZX", "Z")],
)
def test_where_the_first_thread_has_ended_the_others_decide(
    monkeypatch: pytest.MonkeyPatch, letters: str, state: str
) -> None:
    threads = [procfs.Thread(tid, letter, 0) for tid, letter in enumerate(letters, 1)]
    monkeypatch.setattr(procfs, "threads", lambda _: threads)
    monkeypatch.setattr("sandbox.machines.linux.process.child.read_state", lambda _: (letters[0], len(letters)))
    process = Child(ME, ProcessSpec("me", command=["me"]), forked=False)
    try:
        assert process.state()[0] == state
        assert process.first_thread_ended is (letters[0] == "Z" and len(letters) > 1)
    finally:
        process.close()


@contextmanager
def handling(names: str) -> Iterator[None]:
    """Have handlers for these signals."""
    numbers = [getattr(signal, f"SIG{name}") for name in names.split()]
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


ALL_TIMERS = """Timer List Version: v0.10
cpu: 0
active timers:
 #0: <00000000e885e2e3>, hrtimer_wakeup, S:01
 # expires at 25994425744850-25994425746446 nsecs [in 1011831 to 1013427 nsecs]
 #1: <00000000f989d067>, it_real_fn, S:01
 # expires at 25999953002767-25999953002767 nsecs [in 199703215367 to 199703215367 nsecs]
"""


@pytest.mark.parametrize(
    ("text", "found"), [(ALL_TIMERS, {("00000000f989d067", "25999953002767")}), ("", None), (None, None)]
)
def test_alarms_of_all_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, found: set[tuple[str, str]] | None
) -> None:
    timers = tmp_path / "timer_list"
    if text is not None:
        timers.write_text(text)
    monkeypatch.setattr(procfs_timers, "_ALL_TIMERS", timers)
    assert procfs_timers.alarms() == found


@pytest.mark.parametrize(
    ("names", "limits"),
    [
        ("INT ALRM", True),
        ("INT WINCH", False),
        ("HUP INT QUIT ALRM TERM TSTP TTIN TTOU WINCH", False),  # as whoever uses readline
    ],
)
def test_who_reads_a_terminal_and_has_probably_set_an_alarm(names: str, limits: bool) -> None:
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)  # readline handles it, if this process has imported that
    with handling(names):
        assert procfs_timers.limits_input(ME) is limits


@pytest.mark.parametrize(
    ("names", "reads", "may_be"),
    [
        ("ALRM", False, True),
        ("HUP INT QUIT ALRM TERM", False, True),
        ("HUP INT QUIT ALRM TERM XCPU VTALRM PROF IO", True, False),  # as GNU sort
        ("HUP INT TRAP USR1 USR2 PIPE ALRM TERM XCPU XFSZ VTALRM", False, False),  # as bash with a trap for EXIT
        ("HUP INT TRAP USR1 USR2 PIPE ALRM TERM XCPU XFSZ VTALRM", True, True),
        ("HUP INT TERM XCPU VTALRM PROF", True, False),
    ],
)
def test_who_handles_whatever_would_end_it_has_hardly_set_an_alarm(names: str, reads: bool, may_be: bool) -> None:
    with handling(names):
        assert procfs_timers.may_have_alarm(ME, reads) == may_be
