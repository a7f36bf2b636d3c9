"""Playing the past of a run: slower or faster than the original, from a thousandth of its speed to as fast as
possible."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from fractions import Fraction

from sandbox.i18n import _
from sandbox.model.values import BadValue, Kind, shown
from sandbox.tui.state.errors import Impossible
from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.util.units import MS

#: The tempos to choose from, relative to the original speed. None: as fast as possible.
_UP = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_STEPS: tuple[Fraction | None, ...] = (*(Fraction(1, by) for by in reversed(_UP[1:])), *map(Fraction, _UP), None)
MIN_TEMPO, MAX_TEMPO = Fraction(1, 1000), Fraction(1000)
#: The word that is typed for the fastest tempo.
FASTEST = "max"
_NUMBER = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(?:/(\d{1,6}))?x?", re.ASCII)
#: The time per frame for taking in events at the fastest tempo; the rest of the frame is for drawing.
_FRAME_NS = 15 * MS


class Speed(Kind[Fraction | None]):
    """A tempo as users type it: ``0.1``, ``10``, ``max``."""

    def read(self, raw: object) -> Fraction | None:
        if raw == FASTEST:
            return None
        match = _NUMBER.fullmatch(str(raw).strip())
        if match is None or not int(match[2] or 1):
            raise BadValue("expected a number", value=shown(raw), allowed=self.range())
        value = Fraction(match[1]) / int(match[2] or 1)
        if not MIN_TEMPO <= value <= MAX_TEMPO:
            raise BadValue("out of range", value=shown(raw), allowed=self.range())
        return value

    def range(self) -> str:
        return f"{float(MIN_TEMPO):g} … {MAX_TEMPO} | {FASTEST}"


class Player:
    """Moves a viewpoint forward with time. ``clock``: a monotonic clock, in ns; ``tempo``: the initial speed (None: as
    fast as possible)."""

    def __init__(self, view: Viewpoint, clock: Callable[[], int], tempo: Fraction | None = Fraction(1)) -> None:
        self.tempo = tempo
        self._view, self._clock = view, clock
        #: While playing: the clock's time and the run's time when playing started at this tempo, and the number of the
        #: viewpoint's last move. Any move by others stops it.
        self._going: tuple[int, int, int] | None = None

    @property
    def plays(self) -> bool:
        return self._going is not None and self._going[2] == self._view.moves

    @property
    def is_slow(self) -> bool:
        """Whether playing is slow enough to follow every instant of the run."""
        return self.plays and self.tempo is not None and self.tempo < 1

    @property
    def shown(self) -> str:
        """The tempo as text; "" for the original speed."""
        if self.tempo is None:
            return _("fastest")
        return "" if self.tempo == 1 else f"{float(self.tempo):g}x"

    def start(self) -> None:
        self._going = self._clock(), self._view.now_ns, self._view.moves

    def stop(self) -> None:
        self._going = None

    def change(self, by: int) -> None:
        """Change the tempo one step up or down, by the sign of ``by``, playing on from the present point. Raises
        Impossible."""
        order = [step if step is not None else MAX_TEMPO + 1 for step in _STEPS]
        present = self.tempo if self.tempo is not None else order[-1]
        beyond = [step for step, value in zip(_STEPS, order, strict=True) if (value - present) * by > 0]
        if not beyond:
            raise Impossible(_("This is as fast as it goes") if by > 0 else _("Slower than 0.001x it does not go"))
        self.tempo = beyond[0 if by > 0 else -1]
        if self.plays:
            self.start()

    def advance(self, is_all: bool) -> None:
        """Move the viewpoint to the point reached by now. ``is_all``: no more events will come, so that playing stops
        at the end."""
        if self._going is None or not self.plays:
            return
        began_ns, from_ns, _moves = self._going
        if self.tempo is None:
            self._rush()
        else:
            gone_ns = (self._clock() - began_ns) * self.tempo.numerator // self.tempo.denominator
            self._view.look_at(from_ns + gone_ns)
        at_the_end = not self._view.looks_back and is_all
        self._going = None if at_the_end else (began_ns, from_ns, self._view.moves)

    def _rush(self) -> None:
        """Go on event by event, regardless of the time between them, until the time for this frame is used up."""
        view, give_up_ns = self._view, time.monotonic_ns() + _FRAME_NS
        while view.looks_back:
            view.go(view.moment.index + 1)
            if time.monotonic_ns() >= give_up_ns:
                return
