"""What is asked before something is lost: programs of the reader's own, a recording that is being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App

from sandbox.i18n import _
from sandbox.tui.config import config_of
from sandbox.tui.screens.dialogs import Tell
from sandbox.tui.state.session import Session
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
