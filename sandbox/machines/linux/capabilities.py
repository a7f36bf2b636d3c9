"""Trying out, without a run, whether this system lets us do what the machine does."""

from __future__ import annotations

import os
import signal
import time

from sandbox.machines.linux import procfs
from sandbox.machines.linux.cgroup import Group, Leaf, RunGroup
from sandbox.machines.linux.cpus import available_cpus
from sandbox.model.events import Clause

#: What has not happened after so long does not happen here.
_TIMEOUT_S = 2.0


def freezer_obstacle() -> str | None:
    """Give a child a control group of its own, freeze it, see it frozen, thaw it. What fails, or None."""
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


def lacks(cpus: int) -> tuple[str, Clause] | None:
    """What this system lacks for so many mini CPUs, after the place in a scenario that asks for it; None: nothing."""
    if not procfs.is_mounted():
        return "", Clause("no proc")
    if cpus > available_cpus():
        return "machine.cpus", Clause("too many cpus", {"number": cpus, "allowed": available_cpus()})
    return None
