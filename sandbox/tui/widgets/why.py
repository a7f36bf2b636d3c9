"""The WHY panel: the last decision, what led to it, and which rule made it; at the end, what the run came to."""

from __future__ import annotations

from textual.strip import Strip

from sandbox.i18n import _
from sandbox.model.events import Fault, Operator
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, line, prose
from sandbox.util.units import MS, S
from sandbox.views.metrics import metrics
from sandbox.wording import summary, why

#: While the machine runs, a sentence stays for as long as one needs to read it; what a person did is told at once.
_READ_NS = 800 * MS


class Why(Lines):
    """A few lines of prose."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        self._time = ""
        self._text = ""
        self._stays_until_ns = 0
        #: What the sentences explain: nothing is explained twice.
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
        if last is self._explains:
            return
        told_at_once = not session.moving or isinstance(last, (Operator, Fault))
        if told_at_once or session.clock() >= self._stays_until_ns:
            self._explains = last
            if session.finished:
                self._time, self._text = "", self._result(session)
            else:
                self._explain(session)
            self.update_lines()

    def _result(self, session: Session) -> str:
        cpus = session.view.board.booted.cpus if session.view.board.booted else 1
        return summary(metrics(session.view.history), len(session.view.board.rows), cpus)

    def _explain(self, session: Session) -> None:
        board = session.view.board
        explained = why(board.recent, session.view.names, board.policy, idle=not board.ready and not board.running)
        if explained is not None:
            t_ns, self._text = explained
            self._time = f"{t_ns / S:.3f} s"
            self._stays_until_ns = session.clock() + _READ_NS

    def draw(self, width: int, height: int) -> list[Strip]:
        if not self._text:
            return []
        margin = 12 if self._time else 0
        broken = prose(self._text, width - margin)
        strips: list[Strip] = []
        for index, text in enumerate(broken[:height]):
            time: Piece = (f"{self._time if index == 0 else '':>10}  " if margin else "", self.palette.dim)
            strips.append(line([time, (text, self.palette.text)], width))
        return strips
