"""The stretch of time that a timeline shows, and the marks on it."""

from __future__ import annotations

from sandbox.util.units import MS, S

#: The selectable lengths of the stretch of time, in ns.
ZOOMS_NS = (
    *(1 * MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS),
    *(50 * MS, 100 * MS, 250 * MS, 500 * MS, S, 2 * S, 5 * S, 10 * S, 30 * S, 60 * S, 300 * S),
    *(1_800 * S, 3_600 * S),
)


class Extent:
    """The time in sight. ``zoom``: the index into ``ZOOMS_NS``, initially that of ``width_ns``. The extent follows the
    present until the user moves it or looks at the past."""

    def __init__(self, width_ns: int = 2 * S) -> None:
        self.zoom = ZOOMS_NS.index(width_ns)
        self.cells = 1
        self.cell_ns = ZOOMS_NS[self.zoom]
        #: The first cell in sight, counted from boot.
        self.first = 0
        #: The marked times, in the order of marking; at most two.
        self.marks: list[int] = []
        #: The time at which the extent begins; None while it follows the present.
        self._from_ns: int | None = None
        self._cursor_ns: int | None = None

    @property
    def width_ns(self) -> int:
        return ZOOMS_NS[self.zoom]

    @property
    def from_ns(self) -> int:
        return self.first * self.cell_ns

    @property
    def until_ns(self) -> int:
        return (self.first + self.cells) * self.cell_ns

    def fit(self, cells: int, present_ns: int, cursor_ns: int | None) -> None:
        """Adapt to ``cells`` cells. ``cursor_ns``: the time looked at, None for the present; it is kept in sight when
        it moves."""
        self.cells = max(cells, 1)
        self.cell_ns = max(self.width_ns // self.cells, 1)
        # The right edge moves by whole cells, so that the past does not flicker.
        newest = max(present_ns // self.cell_ns + 1 - self.cells, 0)
        if cursor_ns is None and self._cursor_ns is not None:
            self._from_ns = None  # back in the present
        elif cursor_ns is not None and self._cursor_ns is None and self._from_ns is None:
            self._from_ns = newest * self.cell_ns  # the picture stays in place when the user begins to look back
        if self._from_ns is not None:
            self.first = min(self._from_ns // self.cell_ns, newest)
            if cursor_ns is not None and cursor_ns != self._cursor_ns:
                self._keep_in_sight(cursor_ns // self.cell_ns, newest)
        else:
            self.first = newest
        self._cursor_ns = cursor_ns

    def _keep_in_sight(self, cell: int, newest: int) -> None:
        if not self.first <= cell < self.first + self.cells:
            self.first = max(min(cell - self.cells // 2, newest), 0)
            self._from_ns = self.first * self.cell_ns

    def zoom_by(self, steps: int, about_ns: int | None = None) -> None:
        """Change the length by a number of steps, keeping ``about_ns`` (by default the middle) in place."""
        before_ns = self.width_ns
        self.zoom = max(min(self.zoom + steps, len(ZOOMS_NS) - 1), 0)
        if self._from_ns is None:
            return
        if about_ns is None:
            about_ns = self._from_ns + before_ns // 2
        self._from_ns = max(about_ns - (about_ns - self._from_ns) * self.width_ns // before_ns, 0)

    def steps_to_all(self, present_ns: int) -> int:
        """Return the number of zoom steps, possibly negative, after which the whole run is in sight."""
        enough = (zoom for zoom, width_ns in enumerate(ZOOMS_NS) if width_ns >= present_ns)
        return next(enough, len(ZOOMS_NS) - 1) - self.zoom

    def pan(self, share: float) -> None:
        """Move by a share of the length, to later times if positive."""
        self._from_ns = max(self.from_ns + round(share * self.width_ns), 0)

    def mark(self, t_ns: int) -> None:
        """Mark a time; a third mark removes all marks."""
        self.marks = [] if len(self.marks) == 2 else [*self.marks, t_ns]

    def cell(self, t_ns: int) -> int | None:
        """Return the cell of a time, counted from the first one in sight; None if it is out of sight."""
        cell = t_ns // self.cell_ns - self.first
        return cell if 0 <= cell < self.cells else None

    def time(self, cell: int) -> int:
        """Return the last instant of a cell, at which everything in the cell has happened."""
        return (self.first + cell + 1) * self.cell_ns - 1
