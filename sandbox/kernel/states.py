"""The states of a process, the legal ways between them, and the one door through which each change goes."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class State(Enum):
    """Where a process is in its life."""

    NEW = "new"
    READY = "ready"
    RUNNING = "running"
    BLOCKED = "blocked"
    EXITED = "exited"


LEGAL = frozenset(
    {
        (State.NEW, State.READY),  # admitted
        (State.READY, State.RUNNING),  # dispatched
        (State.RUNNING, State.READY),  # expired, preempted, yielded, paused
        (State.RUNNING, State.BLOCKED),  # waits for something
        (State.BLOCKED, State.READY),  # woke
        (State.RUNNING, State.EXITED),  # ended
        (State.READY, State.EXITED),  # killed before it ran again
        (State.BLOCKED, State.EXITED),  # killed while it waited
    }
)


class HasState(Protocol):
    """Anything that is in a state: the kernel's process, the board's row."""

    state: State


class IllegalTransition(RuntimeError):
    """A change of state that cannot happen: a bug, never bad input."""


def move(process: HasState, to: State) -> None:
    """Change the state of ``process``. Raises IllegalTransition."""
    if (process.state, to) not in LEGAL:
        raise IllegalTransition(f"{process!r}: {process.state.name} → {to.name}")
    process.state = to
