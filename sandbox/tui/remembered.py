"""What the app keeps from one start to the next: the theme that was chosen last."""

from __future__ import annotations

import os
from pathlib import Path

THEMES = ("dark", "light")
#: Grounds of ``COLORFGBG`` that are light: white, bright white.
_LIGHT_GROUNDS = ("7", "15")


def _file() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "ossandbox" / "theme"


def theme() -> str:
    """The theme that was chosen last; before anybody chose one, the one that goes with the terminal, as far as that
    tells its colours (rxvt, Konsole and others do)."""
    try:
        kept = _file().read_text(encoding="utf-8", errors="replace")[:16].strip()
    except OSError:
        kept = ""
    if kept in THEMES:
        return kept
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if ground in _LIGHT_GROUNDS else "dark"


def keep_theme(name: str) -> None:
    """Remember it, if that is possible."""
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(f"{name}\n", encoding="utf-8")
    except OSError:
        pass
