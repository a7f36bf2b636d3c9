"""How far a long command is, on stderr."""

from __future__ import annotations

import sys
import time

from rich.cells import cell_len, set_cell_size

from sandbox.i18n import _
from sandbox.render.output import rewrite_line
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width

_MOMENT_S = 1.0


class Progress:
    """Says on stderr how far a long command is: on a terminal in one line that is rewritten and vanishes, else in a
    line a step. Nothing is said of what is over in a moment."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def next(self, what: str) -> None:
        """The next step begins."""
        self._step += 1
        said = _("{what} ({step} of {steps})").format(what=what, step=self._step, steps=self._steps)
        if self._terminal:
            said = set_cell_size(said, min(cell_len(said), chart_width() - 1))
            rewrite_line(said)
        elif time.monotonic() - self._began > _MOMENT_S:
            complain(said)

    def end(self) -> None:
        """Clear the line on the terminal."""
        if self._terminal:
            rewrite_line("")
