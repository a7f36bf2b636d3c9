"""Control groups: what is frozen stands still, what a dead run has left is removed, and nobody else's is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.machines.linux.cgroup import Group, Leaf, RunGroup, oom_kills, sweep
from sandbox.machines.linux.process.child import cpu_clock
from sandbox.machines.linux.procfs import is_dying, open_stat
from tests.support.procs import state
from tests.support.run import ROOT, until

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


@contextmanager
def run_group(controller: str = "") -> Iterator[RunGroup]:
    try:
        group = RunGroup(controller)
    except OSError as error:
        pytest.skip(f"no control group can be had here: {error}")
    try:
        yield group
    finally:
        group.end()
    assert not os.path.exists(group.path)


@contextmanager
def child(program: Callable[[], object]) -> Iterator[int]:
    os_pid = os.fork()
    if os_pid == 0:
        try:
            program()
        finally:
            os._exit(0)
    try:
        yield os_pid
    finally:
        os.kill(os_pid, signal.SIGKILL)
        os.waitpid(os_pid, 0)


def spin() -> None:
    while True:
        pass


def used_ns(os_pid: int, seconds: float) -> int:
    """The CPU time that it uses meanwhile."""
    before_ns = time.clock_gettime_ns(cpu_clock(os_pid))
    time.sleep(seconds)
    return time.clock_gettime_ns(cpu_clock(os_pid)) - before_ns


def test_a_frozen_process_stands_still_and_nobody_is_told() -> None:
    with run_group() as run, child(spin) as os_pid:
        os.mkdir(path := run.next_path())
        leaf = Leaf(path)
        assert leaf.vacant
        leaf.add(os_pid)
        leaf.freeze()
        until(lambda: leaf.frozen, "it is frozen")
        assert leaf.holds
        assert used_ns(os_pid, 0.05) == 0
        assert state(os_pid) == "S"
        assert os.waitid(os.P_PID, os_pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None
        os.kill(os_pid, signal.SIGCONT)
        assert used_ns(os_pid, 0.05) < 1_000_000
        leaf.thaw()
        assert not leaf.holds
        until(lambda: used_ns(os_pid, 0.05), "it goes on")
        assert not leaf.vacant
        leaf.freeze()
        stat_fd = open_stat(os_pid)
        assert not is_dying(os_pid, stat_fd)
        os.kill(os_pid, signal.SIGKILL)
        assert is_dying(os_pid, stat_fd)
        os.close(stat_fd)
        until(lambda: state(os_pid) == "Z", "a frozen process can be killed")
        assert leaf.vacant
        assert not leaf.holds
        leaf.close()


_DEAD = """
import os, signal, sys, time
from sandbox.machines.linux.cgroup import Group, RunGroup
run = RunGroup()
run.enter()
os.mkdir(path := run.next_path())
if os.fork() == 0:
    os.setsid()
    Group(path).add(os.getpid())
    os.close(run._lock)
    print(run.path, os.getpid(), flush=True)
    Group(path).write("cgroup.freeze", "1")
    time.sleep(60)
os.wait()
"""


@contextmanager
def another_run() -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A process that has a group and a frozen child in it."""
    with run_group():
        pass
    process = subprocess.Popen([sys.executable, "-c", _DEAD], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    path, os_pid = process.stdout.readline().split()
    try:
        yield process, path, int(os_pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        sweep()


def test_what_a_killed_run_has_left_is_ended_by_the_next() -> None:
    with another_run() as (process, path, os_pid):
        process.kill()
        process.wait()
        assert state(os_pid) not in ("", "Z"), "it has left a frozen process"
        with run_group():
            until(lambda: state(os_pid) in ("", "Z"), "the process is ended")
            assert not os.path.exists(path)


def test_a_run_that_lives_is_left_alone() -> None:
    with another_run() as (_, path, os_pid), run_group():
        sweep()
        assert os.path.exists(path)
        assert state(os_pid) not in ("", "Z")


def test_all_that_was_forked_ends_with_the_group() -> None:
    def family() -> None:
        for _ in range(4):
            if os.fork() == 0:
                os.setsid()
        time.sleep(60)

    with run_group() as run:
        group = Group.make(run.next_path())

        def join() -> None:
            group.add(os.getpid())
            family()

        with child(join):
            until(lambda: len(group.read("cgroup.procs").split()) == 16, "the family is complete")
            group.kill()
            until(lambda: not group.populated, "nobody is left")


@pytest.mark.parametrize("controller", ["", "memory"])
def test_what_has_more_memory_than_it_may_is_ended(controller: str) -> None:
    with run_group(controller) as run:
        try:
            group = run.limit(32 << 20)
        except OSError as error:
            pytest.skip(f"no memory controller here: {error}")
        for size, status in ((8 << 20, 0), (64 << 20, -signal.SIGKILL)):
            greedy = f"import os; open('{group.path}/cgroup.procs', 'w').write(str(os.getpid())); b'x' * {size}"
            assert subprocess.run([sys.executable, "-c", greedy], check=False).returncode == status
        assert oom_kills(group) == 1
