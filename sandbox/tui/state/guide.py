"""Guidance through a lesson: the panel to show and the process to select for each step."""

from __future__ import annotations

from sandbox.model.spec import PANELS, Step
from sandbox.tui.state.session import Session

#: Names of parts of the board: for these, the board panel is shown.
_OF_THE_BOARD = ("ready", "running", "blocked", "done")


class LessonGuide:
    """Shows the panel of each new step and selects the process that it names, once per step: afterwards the reader may
    turn to anything else."""

    def __init__(self) -> None:
        #: The present step, and the path of the process to select once it is born.
        self._step: Step | None = None
        self._awaited: str | None = None

    def panel(self, step: Step | None) -> str | None:
        """Return the name of the panel to show now; None to change nothing."""
        if step is self._step:
            return None
        self._step = step
        self._awaited = step.process if step is not None else None
        if step is None or step.panel is None:
            return None
        name = "board" if step.panel in _OF_THE_BOARD else step.panel
        return name if name in PANELS else None

    def process(self, session: Session) -> int | None:
        """Return the pid of the process to select now; None to change nothing."""
        if self._awaited is None:
            return None
        paths = session.lesson.story.paths
        pid = next((pid for pid, path in paths.items() if path == self._awaited), None)
        if pid not in session.view.live.board.rows:
            return None
        self._awaited = None
        return pid
