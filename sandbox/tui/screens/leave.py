"""Questions before the user's programs or a recording being written would end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App

from sandbox.i18n import _
from sandbox.tui.config import config_of
from sandbox.tui.interaction import some
from sandbox.tui.screens.dialogs import Tell
from sandbox.tui.state.session import Session


class _Leave(Tell):
    """The dialog before leaving, which pressing ctrl+c again accepts."""

    INTERRUPTED = True


def ask_to_leave(app: App[Any], session: Session, then: Callable[[], object]) -> None:
    """Leave the app, after asking as ``ask_before`` does."""
    offer = f"{config_of(app).key('interrupt')} {_('leave all the same')}"
    ask_before(app, session, _("Quit"), offer, then, _Leave)


def ask_before(
    app: App[Any], session: Session, title: str, offer: str, then: Callable[[], object], dialog: type[Tell] = Tell
) -> None:
    """Call ``then`` at once if nothing would be lost, otherwise after asking. ``offer``: what enter does."""
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
