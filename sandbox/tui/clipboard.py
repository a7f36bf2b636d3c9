"""Copying text from the screen to the terminal's clipboard or to files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from textual.app import App
from textual.widget import Widget

from sandbox import wording
from sandbox.i18n import _
from sandbox.tui.config import config_of
from sandbox.tui.interaction import permitted, tell
from sandbox.tui.remembered import keep_copy

#: Terminals that support the clipboard sequence OSC 52 by default, by the variables that they set and by prefixes of
#: their names.
_SET_BY_TAKERS = ("KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "WT_SESSION", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")
_PROGRAM = "vscode"
_TAKING = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio")
#: Variables of programs between the app and the terminal, which may not pass the sequence on.
_BETWEEN = ("TMUX", "STY")


def copy(app: App[Any], text: str) -> None:
    """Copy text to the clipboard, and to a file if the terminal may not support it."""
    app.copy_to_clipboard(text)
    if takes(os.environ) or config_of(app).locked:
        tell(app, _("Copied"))
        return
    try:
        file = keep_copy(text)
    except OSError as error:
        said = _("Copied, if the terminal takes it; no file can be written: {reason}")
        tell(app, said.format(reason=wording.system_error(error)))
    else:
        tell(app, _("Copied; if the terminal does not take it, it is in {file}").format(file=_short(str(file))))


def save(on: Widget, path: str, lines: Iterable[str]) -> None:
    """Save lines to a file, and tell the user."""
    if not permitted(on):
        return
    path, kept = os.path.expanduser(path), list(lines)
    try:
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{line}\n" for line in kept)
    except OSError as error:
        said = _("{file} cannot be written: {reason}")
        tell(on, said.format(file=path, reason=wording.system_error(error)), severe=True)
    else:
        tell(on, _("{number} lines are saved in {file}").format(number=len(kept), file=path))


def takes(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is known to let programs use the clipboard."""
    if any(environment.get(name) for name in _BETWEEN):
        return False
    named = environment.get("TERM", "").startswith(_TAKING) or environment.get("TERM_PROGRAM") == _PROGRAM
    return named or any(environment.get(name) for name in _SET_BY_TAKERS)


def _short(path: str) -> str:
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path
