"""The box that explains the last decision: what led to it, and which rule made it; at the end of a run, its result."""

from __future__ import annotations

from textual import events
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.model.events import Fault, Operator
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, cut, joint_of_prose, line, prose
from sandbox.tui.widgets.tabs import Clicked
from sandbox.util.units import MS, S
from sandbox.views.metrics import metrics
from sandbox.wording import summary, why

#: While the machine runs, a text is kept this long so that it can be read, except after an action of the user.
_READ_NS = 800 * MS
#: The usual and the greatest number of lines, the lines of the border, and the width in cells of the time before the
#: text.
_LINES, _MAX_LINES, _FRAME, _MARGIN = 2, 6, 2, 12


class Why(Lines):
    """The explanation, a few lines of prose."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        self._time = ""
        self._text = ""
        self._stays_until_ns = 0
        #: The viewpoint's number of moves when the explanation was made.
        self._moves = 0
        #: The event that is explained, to explain it only once.
        self._explains: object = None

    def update_from(self, session: Session) -> None:
        if session is not self._session:
            self._session, self._time, self._text, self._stays_until_ns = session, "", "", 0
        if session.finished:
            keys = _("{restart} runs it again   {open} opens another")
            if session.lesson_over:
                keys = _("{next} next lesson   {restart} runs it again   {open} opens another")
            actions = {"next": "next_lesson", "restart": "restart", "open": "open"}
            self.entitle(_("RESULT"), keys.format(**{name: self.key(action) for name, action in actions.items()}))
        else:
            self.entitle(_("WHY"))
        last = session.view.board.recent[-1] if session.view.board.recent else None
        told_at_once = not session.moving or isinstance(last, (Operator, Fault))
        if last is not self._explains and (told_at_once or session.clock() >= self._stays_until_ns):
            self._explains = last
            if session.finished:
                self._time, self._text = "", self._result(session)
            else:
                self._explain(session)
            self.update_lines()
        self._make_room(not session.moving)

    def _result(self, session: Session) -> str:
        cpus = session.view.board.booted.cpus if session.view.board.booted else 1
        return summary(metrics(session.view.history), len(session.view.board.rows), cpus)

    def _explain(self, session: Session) -> None:
        board = session.view.board
        explained = why(board.recent, session.view.names, board.policy, idle=not board.ready and not board.running)
        if explained is None:
            if self._moves != session.view.moves:  # at another point in time, drop the old explanation
                self._time = self._text = ""
            return
        self._moves = session.view.moves
        t_ns, self._text = explained
        self._time = f"{t_ns / S:.3f} s"
        self._stays_until_ns = session.clock() + _READ_NS

    def _make_room(self, stands: bool) -> None:
        """Grow to show all of the text while nothing moves; otherwise the panels above would jump."""
        lines = len(prose(self._text, self._room)) if stands and self._text else 0
        height = max(_LINES, min(lines, _MAX_LINES)) + _FRAME
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    @property
    def _room(self) -> int:
        """The width of a line of prose in cells."""
        return self.size.width - (_MARGIN if self._time else 0)

    def joint(self, y: int) -> str:
        return joint_of_prose(self._lines[y - 1], self._lines[y])

    def on_click(self, event: events.Click) -> None:
        """Show the log, which has the events before."""
        if self.text_selection is None:
            self.post_message(Clicked("panel('log')"))

    def draw(self, width: int, height: int) -> list[Strip]:
        if not self._text:
            return []
        margin = _MARGIN if self._time else 0
        strips: list[Strip] = []
        for index, text in enumerate(cut(prose(self._text, width - margin), height, width - margin)):
            time: Piece = (f"{self._time if index == 0 else '':>10}  " if margin else "", self.palette.dim)
            strips.append(line([time, (text, self.palette.text)], width))
        return strips
