"""The keys for a longer and a shorter quantum."""

from __future__ import annotations

from sandbox.i18n import _
from sandbox.model.commands import Command, Tune
from sandbox.tui.state.errors import Impossible
from sandbox.util.units import MS, show_duration, write_duration
from sandbox.views.board import Board

#: The quanta to choose from.
_QUANTA_NS = tuple(value * MS for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000))


class QuantumSteps:
    """The quantum that the user asks for, one step longer or shorter at a time."""

    def __init__(self) -> None:
        #: The quantum asked for last, and the one that was in force then; None if none was asked for.
        self._asked: tuple[int, int] | None = None

    def change(self, board: Board, direction: int) -> Command:
        """Return the command to send to the machine. ``direction``: positive for a longer quantum. Raises
        Impossible."""
        present_ns = board.parameters.get("quantum_ns")
        if not isinstance(present_ns, int) and "quanta" in board.parameters:
            said = _("{policy} has a quantum for each of its queues: the panel Queues changes them")
            raise Impossible(said.format(policy=board.policy), severe=True)
        if not isinstance(present_ns, int):
            raise Impossible(_("{policy} has no quantum to change").format(policy=board.policy), severe=True)
        # Two quick key presses are two steps, even before the machine has confirmed the first one.
        asked = self._asked
        quantum_ns = asked[0] if asked is not None and asked[1] == present_ns else present_ns
        longer = [value for value in _QUANTA_NS if value > quantum_ns]
        shorter = [value for value in _QUANTA_NS if value < quantum_ns]
        value = longer[:1] if direction > 0 else shorter[-1:]
        if not value:
            longest = _("Longer than {time} makes no sense here")
            shortest = _("Shorter than {time} makes no sense here")
            raise Impossible((longest if direction > 0 else shortest).format(time=show_duration(quantum_ns)))
        self._asked = value[0], present_ns
        return Tune("quantum", write_duration(value[0]))
