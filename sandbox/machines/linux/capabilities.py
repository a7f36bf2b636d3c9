"""Tests, without a run, whether this system permits what the machine does."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os
import signal
import time

from sandbox.machines.linux import procfs, procfs_files
from sandbox.machines.linux.cgroup import Group, Leaf, RunGroup
from sandbox.model.events import Clause
from sandbox.util.cpus import usable_cpus

#: How long to wait for the freezer, and for a child to block.
_TIMEOUT_S = 2.0
_READING_S = 0.5


def freezer_obstacle() -> str | None:
    """Test the freezer with a child in its own control group. Returns what fails, or None."""
    try:
        run = RunGroup()
    except OSError as error:
        return error.strerror or str(error)
    try:
        os_pid = os.fork()
        if os_pid == 0:
            time.sleep(_TIMEOUT_S)
            os._exit(0)
        try:
            return _try_freezer(run, os_pid)
        finally:
            os.kill(os_pid, signal.SIGKILL)
            os.waitpid(os_pid, 0)
    except OSError as error:
        return error.strerror or str(error)
    finally:
        run.end()


def _try_freezer(run: RunGroup, os_pid: int) -> str | None:
    leaf = Leaf(Group.make(run.next_path()).path)
    try:
        leaf.add(os_pid)
        for change, frozen in ((leaf.freeze, True), (leaf.thaw, False)):
            change()
            give_up = time.monotonic() + _TIMEOUT_S
            while leaf.frozen is not frozen:
                if time.monotonic() > give_up:
                    return "cgroup.freeze had no effect"
                time.sleep(0.001)
    finally:
        leaf.close()
    return None


def reading_obstacle() -> str | None:
    """Test whether the holders of locks can be found for a child: by its system call, memory and files. Returns what
    fails with the known cause, or None."""
    secret, (ours, theirs) = os.urandom(16), os.pipe()
    kept = ctypes.create_string_buffer(secret)
    try:
        os_pid = os.fork()
    except OSError as error:
        return error.strerror or str(error)
    if os_pid == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    try:
        os.close(ours)
        give_up = time.monotonic() + _READING_S
        while procfs.system_call(os_pid) in (None, "running") and time.monotonic() < give_up:
            time.sleep(0.001)
        forbids = _forbids_reading()
        if procfs.system_call(os_pid) in (None, "running"):
            return f"/proc/PID/syscall{forbids}"
        if procfs.read_memory(os_pid, ctypes.addressof(kept), len(secret)) != secret:
            return f"/proc/PID/mem{forbids}"
        if procfs_files.descriptor_target(os_pid, ours)[:4] != "pipe":
            return f"/proc/PID/fd{forbids}"
        return None
    finally:
        os.close(theirs)
        os.waitpid(os_pid, 0)


def _forbids_reading() -> str:
    """Return what may forbid reading from children, in parentheses; "" if nothing is known."""
    scope = procfs.read_small("/proc/sys/kernel/yama/ptrace_scope").strip()
    filtered = "\nSeccomp:\t2" in procfs.read_small("/proc/self/status")
    known = [f"Yama, ptrace_scope {scope}"] * (scope in ("2", "3")) + ["seccomp"] * filtered
    return f" ({', '.join(known)})" if known else ""


def lacks(cpus: int) -> tuple[str, Clause] | None:
    """Return what this system lacks for so many mini CPUs, with the key of the scenario that needs it; or None."""
    if not procfs.is_mounted():
        return "", Clause("no proc")
    if cpus > (allowed := len(usable_cpus())):
        return "machine.cpus", Clause("too many cpus", {"number": cpus, "allowed": allowed})
    return None
