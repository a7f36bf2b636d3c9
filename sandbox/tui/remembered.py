"""State that the app keeps in files: the theme chosen last, and the text copied last."""

from __future__ import annotations

import os
from pathlib import Path

THEMES = ("dark", "light")
#: Background colours in ``COLORFGBG`` that are light: white and bright white.
_LIGHT_GROUNDS = ("7", "15")


def _folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "ossandbox"


def theme() -> str:
    """Return the theme chosen last; if none was chosen, the one that fits the terminal's background, as far as the
    terminal reports it (rxvt, Konsole and others do)."""
    try:
        kept = (_folder() / "theme").read_text(encoding="utf-8", errors="replace")[:16].strip()
    except OSError:
        kept = ""
    if kept in THEMES:
        return kept
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if ground in _LIGHT_GROUNDS else "dark"


def keep_theme(name: str) -> None:
    """Store the theme, if possible."""
    try:
        _keep("theme", f"{name}\n")
    except OSError:
        pass


def keep_copy(text: str) -> Path:
    """Store copied text, and return the file's path. Raises OSError."""
    return _keep("copied.txt", f"{text}\n")


def _keep(name: str, text: str) -> Path:
    file = _folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="replace")
    return file
