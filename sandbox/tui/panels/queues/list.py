"""A policy's queues from top to bottom, each with its tasks and the policy's figures about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.events import Figure, Queued, Queues
from sandbox.model.states import State
from sandbox.render.cells import fit, fit_name, flush_right
from sandbox.tui.format import exact
from sandbox.tui.palette import SIGNS
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Choice, Processes
from sandbox.tui.widgets.lines import Piece
from sandbox.util.units import MS, show_duration

_NAME = 14
_GAP = "  "
#: Cells before a task's figures.
_BEFORE = 24


class QueueList(Processes):
    """The tasks on the CPUs, followed by each queue in running order."""

    DEFAULT_CLASSES = "framed main"

    def update_from(self, session: Session, chosen: int | None) -> None:
        """Show what the policy last reported."""
        self.remember(session, chosen)
        board = session.view.board
        then = ""
        if session.view.looks_back and board.queues is not None:
            then = _("as of {time}").format(time=exact(board.queues.t_ns))
        self.entitle(_("QUEUES of {policy}").format(policy=board.policy) if board.policy else _("QUEUES"), then)
        self.update_lines()

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        seen = session.view.board.queues
        if seen is None:
            return
        columns = _columns(seen)
        for heading, tasks, hidden, state in self._sections(seen, columns, height):
            yield self.row(None, heading, width)
            for task in tasks:
                yield self.row(task.pid, self._entry(session, task, state, columns), width)
            if hidden:
                more = _("… and {number} more").format(number=hidden)
                yield self.row(None, [(f"      {more}", self.palette.dim)], width)

    def _sections(
        self, seen: Queues, columns: Mapping[str, int], height: int
    ) -> Iterator[tuple[list[Piece], Sequence[Queued], int, State]]:
        """Yield for each section its heading, the tasks below it that fit, the number of other tasks, and the tasks'
        state."""
        palette = self.palette
        running = [(fit(_("on a CPU"), _BEFORE), palette.strong), (_titles(columns), palette.dim)]
        yield running, seen.running, 0, State.RUNNING
        rooms = _rooms([queue.number for queue in seen.queues], height - 1 - len(seen.running) - len(seen.queues))
        for queue, room in zip(seen.queues, rooms, strict=True):
            heading: list[Piece] = [(wording.queue(queue.name), palette.strong)]
            if queue.slice_ns is not None:
                slice_ = _("slice {time}").format(time=show_duration(queue.slice_ns))
                heading.append((f"   {slice_}", palette.text))
            heading.append((f"   {queue.number or _('empty')}", palette.dim))
            shown = queue.tasks if queue.number <= room else queue.tasks[: max(room - 1, 0)]
            yield heading, shown, queue.number - len(shown) if room else 0, State.READY

    def _entry(self, session: Session, task: Queued, state: State, columns: Mapping[str, int]) -> list[Piece]:
        palette = self.palette
        pieces: list[Piece] = [
            (f"  {task.pid:>3} ", palette.dim),
            (f"{SIGNS[state]} ", palette.state(state)),
            (fit_name(session.view.names.get(task.pid, ""), _NAME) + _GAP, palette.text),
        ]
        figures = [
            flush_right(_shown(name, task.figures[name]), width) if name in task.figures else " " * width
            for name, width in columns.items()
        ]
        return [*pieces, (_GAP.join(figures), palette.text)]


def _columns(seen: Queues) -> dict[str, int]:
    """Return the names of the figures that any task has, with the widths of their columns in cells."""
    widths: dict[str, int] = {}
    for task in (*seen.running, *(task for queue in seen.queues for task in queue.tasks)):
        for name, value in task.figures.items():
            widths[name] = max(widths.get(name, cell_len(wording.figure(name))), cell_len(_shown(name, value)))
    return widths


def _titles(columns: Mapping[str, int]) -> str:
    return _GAP.join(flush_right(wording.figure(name), width) for name, width in columns.items())


def _shown(name: str, value: Figure) -> str:
    """Format a figure with a limited number of digits, so that it can be read while it changes."""
    if value is None:
        return "–"
    if name.endswith("_ns") and isinstance(value, (int, float)):
        return f"{value / MS:.1f} ms"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _rooms(numbers: Sequence[int], height: int) -> list[int]:
    """Distribute lines among the queues' tasks as evenly as possible, with no more than each queue needs."""
    rooms = [0] * len(numbers)
    left = max(height, 0)
    while left and (hungry := [index for index, number in enumerate(numbers) if rooms[index] < number]):
        for index in hungry[:left]:
            rooms[index] += 1
        left -= len(hungry[:left])
    return rooms
