"""How many descriptors may be open, how many each process needs, and how many are reserved."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import resource
from contextlib import suppress

from sandbox.machines.linux.cgroup import Leaf
from sandbox.machines.linux.process.child import Child

#: The descriptors for each process: its console, a pidfd and an open stat file. If it is frozen, it needs two more; if
#: there are none left, it is not frozen.
DESCRIPTORS_EACH = 3
#: Reserved descriptors: for processes that are found (no more are spawned when only these are left), and for our own
#: temporary use, which must always be possible (no more are adopted when only these are left).
_FOR_ADOPTIONS, _FOR_OURSELVES = 24, 8


def descriptor_limit() -> int:
    """Return the highest possible descriptor number, plus one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> None:
    """Raise the limit of descriptors as far as permitted."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def may_spawn(newest: Child) -> bool:
    """Whether there are enough descriptors for this process, which was just forked."""
    return _left(newest) >= _FOR_ADOPTIONS + _FOR_OURSELVES


def may_adopt(newest: Child) -> bool:
    """Whether there are enough descriptors for this process, which was just found."""
    return _left(newest) >= _FOR_OURSELVES


def may_freeze(newest: Leaf) -> bool:
    """Whether there are enough descriptors for this leaf, which was just made."""
    return _left(newest) >= _FOR_OURSELVES


def _left(newest: Child | Leaf) -> int:
    """Return how many descriptors are left. The lowest free number is always assigned first, and ``newest`` has the
    last."""
    return descriptor_limit() - newest.fileno() - 1
