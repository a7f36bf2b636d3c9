"""The states of a process, the legal transitions, and the only function that makes them."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class State(Enum):
    """A state of a process."""

    #: The states to which a process may go from this one.
    leads_to: tuple[State, ...]

    NEW = "new"
    READY = "ready"
    RUNNING = "running"
    BLOCKED = "blocked"
    #: Stopped by a signal from itself, its shell or another process. The kernel treats it like a blocked one.
    STOPPED = "stopped"
    EXITED = "exited"


#: The members as globals: in a loop, looking one up in its class costs ten times as much.
NEW, READY, RUNNING, BLOCKED, STOPPED, EXITED = State
#: The states in which a process waits for something other than a CPU.
WAITS = frozenset({BLOCKED, STOPPED})

LEGAL = {
    State.NEW: (State.READY, State.BLOCKED),  # admitted; admitted while it waits, in virtual time
    State.READY: (State.RUNNING, State.EXITED),  # dispatched; killed before it ran again
    State.RUNNING: (State.READY, State.BLOCKED, State.STOPPED, State.EXITED),  # lost the CPU; waits; was stopped; ended
    State.BLOCKED: (State.READY, State.STOPPED, State.EXITED),  # woke; stopped, killed while it waited
    State.STOPPED: (State.READY, State.BLOCKED, State.EXITED),  # continued: it runs on, or waits on; killed
    State.EXITED: (),
}
for _state, _after in LEGAL.items():
    _state.leads_to = _after


class HasState(Protocol):
    """Anything with a process state: the kernel's process, the board's row."""

    state: State


class IllegalTransition(RuntimeError):
    """Raised for an illegal change of state, which is a bug, never bad input."""


def move(process: HasState, to: State) -> None:
    """Change the state of ``process``. Raises IllegalTransition if it may not go to ``to``."""
    if to not in process.state.leads_to:
        raise illegal(process, to)
    process.state = to


def illegal(process: HasState, to: State) -> IllegalTransition:
    """Return the exception to raise for this illegal change of state."""
    return IllegalTransition(f"{process!r}: {process.state.name} → {to.name}")
