"""Where on the screen a lesson leads its reader."""

from __future__ import annotations

from sandbox.model.spec import PANELS, Step
from sandbox.tui.state.session import Session

#: Parts of the board, which is in front for them.
_OF_THE_BOARD = ("ready", "running", "blocked", "done")


class LessonGuide:
    """When a step begins, the panel that it is about comes to the front, and the process that it names is chosen, each
    once: what the reader turns to afterwards is their own affair."""

    def __init__(self) -> None:
        #: The step that is followed, and the process that it names while that is not born yet.
        self._step: Step | None = None
        self._awaited: str | None = None

    def panel(self, step: Step | None) -> str | None:
        """The panel to turn to now."""
        if step is self._step:
            return None
        self._step = step
        self._awaited = step.process if step is not None else None
        if step is None or step.panel is None:
            return None
        name = "board" if step.panel in _OF_THE_BOARD else step.panel
        return name if name in PANELS else None

    def process(self, session: Session) -> int | None:
        """The process to choose now."""
        if self._awaited is None:
            return None
        paths = session.lesson.story.paths
        pid = next((pid for pid, path in paths.items() if path == self._awaited), None)
        if pid not in session.view.live.board.rows:
            return None
        self._awaited = None
        return pid
