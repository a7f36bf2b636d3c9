"""Which stretch of time a timeline shows, and what is marked on it."""

from __future__ import annotations

from sandbox.util.units import MS, S

#: The times that the width can show.
ZOOMS_NS = (
    *(1 * MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS),
    *(50 * MS, 100 * MS, 250 * MS, 500 * MS, S, 2 * S, 5 * S, 10 * S, 30 * S, 60 * S, 300 * S),
    *(1_800 * S, 3_600 * S),
)


class Extent:
    """``zoom``: index into ``ZOOMS_NS``, at first that of ``width_ns``. It follows the present until a person looks at
    something else."""

    def __init__(self, width_ns: int = 2 * S) -> None:
        self.zoom = ZOOMS_NS.index(width_ns)
        self.cells = 1
        self.cell_ns = ZOOMS_NS[self.zoom]
        #: The first cell in sight, counted from boot.
        self.first = 0
        #: At most two marked times, in the order in which they were marked.
        self.marks: list[int] = []
        #: Where it begins; None while it follows the present.
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
        """There are ``cells`` cells. ``cursor_ns``: the time that is looked at, None for the present; when it moves, it
        stays in sight."""
        self.cells = max(cells, 1)
        self.cell_ns = max(self.width_ns // self.cells, 1)
        # The right edge moves by whole cells, so that what is past stands still until it moves on.
        newest = max(present_ns // self.cell_ns + 1 - self.cells, 0)
        if cursor_ns is None and self._cursor_ns is not None:
            self._from_ns = None  # back in the present
        elif cursor_ns is not None and self._cursor_ns is None and self._from_ns is None:
            self._from_ns = newest * self.cell_ns  # nothing jumps when one begins to look back
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
        """A longer time, or a shorter one; what is at ``about_ns`` stays where it is."""
        before_ns = self.width_ns
        self.zoom = max(min(self.zoom + steps, len(ZOOMS_NS) - 1), 0)
        if self._from_ns is None:
            return
        if about_ns is None:
            about_ns = self._from_ns + before_ns // 2
        self._from_ns = max(about_ns - (about_ns - self._from_ns) * self.width_ns // before_ns, 0)

    def steps_to_all(self, present_ns: int) -> int:
        """So many longer, or shorter, shows the whole run."""
        enough = (zoom for zoom, width_ns in enumerate(ZOOMS_NS) if width_ns >= present_ns)
        return next(enough, len(ZOOMS_NS) - 1) - self.zoom

    def pan(self, share: float) -> None:
        """Move by this share of the width, to later or to earlier times."""
        self._from_ns = max(self.from_ns + round(share * self.width_ns), 0)

    def mark(self, t_ns: int) -> None:
        """Mark a time; with the third all marks are taken away."""
        self.marks = [] if len(self.marks) == 2 else [*self.marks, t_ns]

    def cell(self, t_ns: int) -> int | None:
        """Which of the cells in sight has this time."""
        cell = t_ns // self.cell_ns - self.first
        return cell if 0 <= cell < self.cells else None

    def time(self, cell: int) -> int:
        """The time at which a cell ends: what has happened in it has happened by then."""
        return (self.first + cell + 1) * self.cell_ns - 1
