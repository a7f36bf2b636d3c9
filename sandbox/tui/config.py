"""What a user may set for good: the theme and the keys, in ``ossandbox/config.toml`` in the configuration folder."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import NamedTuple

from sandbox.events import Clause
from sandbox.kinds import nearest, shown
from sandbox.scenario import BadScenario, Problem

THEMES = ("dark", "light")


class Config(NamedTuple):
    """``keymap``: keys by action, as ``keys.ACTIONS`` names them."""

    theme: str = "dark"
    keymap: dict[str, str] = {}  # noqa: RUF012 - never changed


def config_file() -> Path:
    """Where the file is, or would be."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "ossandbox" / "config.toml"


def read_config(actions: list[str]) -> Config:
    """The user's settings; the defaults without a file. Raises BadScenario with what is wrong in the file."""
    path = config_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise BadScenario(str(path), [Problem(0, "", Clause("is not TOML", {"reason": shown(str(error))}))]) from None
    problems: list[Problem] = []
    theme, keys = table.get("theme", "dark"), table.get("keys", {})
    if theme not in THEMES:
        problems.append(_problem("theme", "not one of the allowed words", value=shown(theme), allowed="dark | light"))
    if not isinstance(keys, dict):
        problems.append(_problem("keys", "expected a table", value=shown(keys)))
        keys = {}
    for action, key in keys.items():
        if action not in actions:
            allowed, hint = " | ".join(actions), nearest(action, actions)
            problems.append(_problem(f"keys.{action}", "unknown key", value=action, allowed=allowed, hint=hint))
        elif not isinstance(key, str) or not key:
            problems.append(_problem(f"keys.{action}", "expected text", value=shown(key)))
    problems += [
        _problem(shown(key), "unknown key", value=shown(key), allowed="keys | theme")
        for key in table
        if key not in ("theme", "keys")
    ]
    if problems:
        raise BadScenario(str(path), problems)
    return Config(theme, keys)


def _problem(place: str, rule: str, **figures: str | None) -> Problem:
    return Problem(0, place, Clause(rule, dict(figures)))
