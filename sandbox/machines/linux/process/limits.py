"""How many descriptors there are, what a process costs of them, and which are kept back."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import resource
from contextlib import suppress

from sandbox.machines.linux.cgroup import Leaf
from sandbox.machines.linux.process.child import Child

#: What a process costs us: its console, a pidfd and a kept-open stat file; one that is frozen two more, or it is not.
DESCRIPTORS_EACH = 3
#: Kept back: for processes that are found (no more are spawned then), and for looking around, which must always be
#: possible (no more are adopted then).
_FOR_ADOPTIONS, _FOR_OURSELVES = 24, 8


def descriptor_limit() -> int:
    """One more than the highest number that a descriptor can have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> None:
    """As far as we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def may_spawn(newest: Child) -> bool:
    """Whether there is room for this one, just forked."""
    return _left(newest) >= _FOR_ADOPTIONS + _FOR_OURSELVES


def may_adopt(newest: Child) -> bool:
    """Whether there is room for this one, just found."""
    return _left(newest) >= _FOR_OURSELVES


def may_freeze(newest: Leaf) -> bool:
    """Whether there is room for this leaf, just made."""
    return _left(newest) >= _FOR_OURSELVES


def _left(newest: Child | Leaf) -> int:
    """How many descriptors are left: numbers are given out lowest first, and this one has the newest."""
    return descriptor_limit() - newest.fileno() - 1
