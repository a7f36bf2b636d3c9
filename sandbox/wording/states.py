"""What the states of processes are called, wherever they are named."""

from __future__ import annotations

from sandbox.i18n import Messages, _
from sandbox.model.states import State

STATES: Messages = {
    "new": "NEW",
    "ready": "READY",
    "running": "RUNNING",
    "blocked": "BLOCKED",
    "exited": "DONE",
}


def state(of: State) -> str:
    """What a state is called."""
    return _(STATES[of.value])
