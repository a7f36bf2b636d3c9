"""Dialogs that ask which signal to send to a process, and name the process, as another one may have been meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from sandbox.i18n import Messages, _
from sandbox.tui.config import config_of
from sandbox.tui.interaction import ask, some, tell
from sandbox.tui.screens.dialogs import Choose, Offer, Tell
from sandbox.tui.screens.forms import command_line
from sandbox.tui.state.session import Session
from sandbox.views.board import Board

#: The effect of each signal on a process without a handler for it, in the order in which they are offered.
SIGNALS: Messages = {
    "TERM": "ends it; it may tidy up before",
    "INT": "ends it, as ctrl+c does",
    "HUP": "ends it: its terminal has gone; servers read their settings anew",
    "QUIT": "ends it, as ctrl+\\ does",
    "STOP": "stops it; it cannot be refused",
    "TSTP": "stops it, as ctrl+z does",
    "CONT": "has it go on, if it was stopped",
    "USR1": "ends it, unless it has a meaning of its own",
    "USR2": "ends it, unless it has a meaning of its own",
    "ALRM": "ends it, as an alarm clock that nobody hears",
    "KILL": "ends it; it cannot be refused",
}


def ask_for_signal(on: Screen[Any], session: Session, pid: int, surely: bool, send: Callable[[str], None]) -> None:
    """Ask which signal to send; with ``surely``, ask only whether to send SIGKILL. ``send``: called with the signal's
    name, without SIG."""
    live = session.view.live
    if live.board.rows[pid].exited is not None:
        tell(on, _("{name} has ended already").format(name=live.names[pid]))
    elif surely:
        on.app.push_screen(AskToKill(session, pid), lambda yes: send("KILL") if yes else None)
    else:
        ask(on, ChooseSignal(session, pid), send)


def tell_after(on: Screen[Any], session: Session, pid: int, name: str) -> str | None:
    """Tell that the signal was sent, and how to run the process again if it was ended. Returns the command for that, or
    None."""
    command = command_of(session, pid)
    if name not in ("TERM", "KILL"):
        tell(on, _("sent {signal} to {name}").format(signal=f"SIG{name}", name=session.view.live.names[pid]))
        return None
    if command is None:
        tell(on, _("{key} runs the scenario again").format(key=config_of(on).key("restart")))
    else:
        said = _("{key} ↑ brings {command} back, to run it again")
        tell(on, said.format(key=config_of(on).key("new"), command=command))
    return command


class ChooseSignal(Choose):
    """Asks which signal to send to a process, which is named. SIGTERM comes first."""

    def __init__(self, session: Session, pid: int) -> None:
        about = _about(session, pid)
        offers = [
            Offer(name, f"SIG{name}", _(SIGNALS[name]), "\n".join([_what_is_sent(session, pid, name), *about]))
            for name in SIGNALS
        ]
        super().__init__(_("Send a signal"), offers)


class AskToKill(Tell):
    """Asks whether to kill a process, which is named."""

    def __init__(self, session: Session, pid: int) -> None:
        said = [_what_is_sent(session, pid, "KILL"), *_about(session, pid)]
        super().__init__(_("Kill"), "\n".join(said), _("end it"))


def _what_is_sent(session: Session, pid: int, name: str) -> str:
    template = _("{pid} {name} is sent {signal}.")
    if name == "TERM":
        template = _("{pid} {name} is sent SIGTERM, and SIGKILL after 2 s.")
    return template.format(pid=pid, name=session.view.live.names[pid], signal=f"SIG{name}")


def _about(session: Session, pid: int) -> list[str]:
    """Return lines about what the process runs, and its living descendants."""
    live = session.view.live
    said = [_("It runs: {command}").format(command=live.board.rows[pid].admitted.runs)]
    below = sorted(_descendants(live.board, pid))
    if below:
        children = some([f"{child} {live.names[child]}" for child in below])
        said.append(_("Its children are sent nothing: {names}.").format(names=children))
    return said


def command_of(session: Session, pid: int) -> str | None:
    """Return the command line to run the process again; None if it is no command."""
    admitted = session.view.live.board.rows[pid].admitted
    if admitted.order is not None:
        spec = next((each for each in session.scenario.processes if each.name == admitted.name), None)
        return None if spec is None or spec.command is None else command_line(spec.command)
    return command_line(admitted.runs.split(" ", 2)) if admitted.parent is None else None


def _descendants(board: Board, pid: int) -> list[int]:
    """Return the living descendants of a process."""
    found = {pid}
    for each, row in board.rows.items():
        if row.admitted.parent in found:
            found.add(each)
    return [each for each in found if each != pid and board.rows[each].exited is None]
