"""Progress of a long command, shown on stderr."""

from __future__ import annotations

import sys
import time

from rich.cells import cell_len, set_cell_size

from sandbox.i18n import _
from sandbox.render.output import rewrite_line
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width
from sandbox.util.units import S, show_duration

_MOMENT_S = 1.0
#: The least time between two updates of a rewritten line.
_REDRAW_S = 0.25


class Progress:
    """Shows the steps of a long command on stderr: on a terminal in one line that is rewritten and removed at the end;
    else in one line per step, except during the first second."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def next(self, what: str) -> None:
        """Begin the next step, described by ``what``."""
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


class Pace:
    """Shows on stderr, only on a terminal, how many of many steps are done and how long the others will take."""

    def __init__(self, total: int, what: str) -> None:
        """``what``: a format string with ``{done}`` and ``{total}``."""
        self._total, self._what = total, what
        self._done = 0
        self._began = self._said = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def step(self) -> None:
        """Count a finished step."""
        self._done += 1
        now = time.monotonic()
        if self._terminal and now - self._said >= _REDRAW_S:
            self._said = now
            said = self._what.format(done=self._done, total=self._total)
            left_s = (now - self._began) / self._done * (self._total - self._done)
            said += ", " + _("{time} left").format(time=show_duration(round(left_s) * S))
            rewrite_line(set_cell_size(said, min(cell_len(said), chart_width() - 1)))

    def end(self) -> None:
        """Clear the line on the terminal."""
        if self._terminal:
            rewrite_line("")
