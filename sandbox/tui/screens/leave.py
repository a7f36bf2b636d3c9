"""What is asked before something is lost: programs of the reader's own, a recording that is being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App

from sandbox.i18n import _
from sandbox.tui.config import config_of
from sandbox.tui.screens.dialogs import Tell
from sandbox.tui.screens.forms import command_line
from sandbox.tui.state.session import Session
from sandbox.views.board import Board
from sandbox.wording.templates import listed

#: More names would say no more.
_MAX_NAMES = 5


class _Leave(Tell):
    """Whoever presses ctrl+c again means it."""

    INTERRUPTED = True


def ask_to_leave(app: App[Any], session: Session, then: Callable[[], object]) -> None:
    """Leave; as ``ask_before``."""
    offer = f"{config_of(app).key('interrupt')} {_('end them and leave')}"
    ask_before(app, session, _("Quit"), offer, then, _Leave)


def ask_before(
    app: App[Any], session: Session, title: str, offer: str, then: Callable[[], object], dialog: type[Tell] = Tell
) -> None:
    """Do it at once if nothing is lost by it, else when the reader says so. ``offer``: what enter does."""
    lost = _lost(session)
    if not lost:
        then()
        return

    def answered(yes: bool | None) -> None:
        if yes:
            then()

    app.push_screen(dialog(title, "\n".join(lost), offer), answered)


def _lost(session: Session) -> list[str]:
    said = []
    view = session.view
    own = session.own.alive(view.live.board) if not session.died else []
    if own:
        said.append(
            _("Programs of yours would end: {names}.").format(names=some([view.live.names[pid] for pid in own]))
        )
    if session.file.open:
        said.append(_("A recording is being written. It would end here; it holds the run up to now."))
    return said


def some(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _MAX_NAMES
    shown = listed(names[:_MAX_NAMES])
    return shown if more <= 0 else _("{names} and {number} more").format(names=shown, number=more)


class AskToKill(Tell):
    """Asks for one process, by its name: it may be another one than was meant."""

    def __init__(self, session: Session, pid: int) -> None:
        view = session.view
        row, names = view.live.board.rows[pid], view.live.names
        below = sorted(_descendants(view.live.board, pid))
        said = [_("{pid} {name} is sent SIGTERM, and SIGKILL after 2 s.").format(pid=pid, name=names[pid])]
        said.append(_("It runs: {command}").format(command=row.admitted.runs))
        if below:
            children = some([f"{child} {names[child]}" for child in below])
            said.append(_("Its children are not killed with it: {names}.").format(names=children))
        super().__init__(_("Kill"), "\n".join(said), _("end it"))


def command_of(session: Session, pid: int) -> str | None:
    """What one would type to run it again, if it is a command."""
    admitted = session.view.live.board.rows[pid].admitted
    if admitted.order is not None:
        spec = next((each for each in session.scenario.processes if each.name == admitted.name), None)
        return None if spec is None or spec.command is None else command_line(spec.command)
    return command_line(admitted.runs.split(" ", 2)) if admitted.parent is None else None


def _descendants(board: Board, pid: int) -> list[int]:
    """Those that are alive below a process."""
    found = {pid}
    for each, row in board.rows.items():
        if row.admitted.parent in found:
            found.add(each)
    return [each for each in found if each != pid and board.rows[each].exited is None]
