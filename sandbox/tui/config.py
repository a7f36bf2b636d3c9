"""The user's settings: the theme and the keys, in ``ossandbox/config.toml`` in the configuration folder."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from sandbox.model.events import Clause
from sandbox.model.values import nearest, shown
from sandbox.scenario import BadInput, Problem
from sandbox.tui import remembered
from sandbox.tui.compat import key_name
from sandbox.tui.keys import ACTIONS, key_of, keys_of, written
from sandbox.tui.remembered import THEMES
from sandbox.util import toml
from sandbox.util.text import clean_line

#: The most bytes read of the file; the rest is ignored.
_MAX_BYTES = 1 << 18
#: The most characters shown of a parser's message.
_MAX_FAULT = 100


class Config(NamedTuple):
    """The settings. ``keymap``: keys by action id, as in ``keys.ACTIONS``. ``ascii``: show ASCII signs only.
    ``locked``: the user is a guest, who cannot start programs, type into them, or name files."""

    theme: str = "dark"
    keymap: Mapping[str, str] = MappingProxyType({})
    ascii: bool = False
    locked: bool = False

    def key(self, action_id: str) -> str:
        """Return the first key of an action, as users write it."""
        return self.spelt(key_of(action_id, self.keymap))

    def spelt(self, text: str) -> str:
        """Return the text with key signs that are not in ASCII replaced by names, if needed."""
        return text.replace("⏎", "enter") if self.ascii else text


class Configured(Protocol):
    """An app with settings."""

    config: Config


def config_of(node: DOMNode) -> Config:
    """Return the settings of the app to which a widget belongs."""
    return cast(Configured, node.app).config


def config_file() -> Path:
    """Return the path of the file, whether it exists or not."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "ossandbox" / "config.toml"


def read_config() -> Config:
    """Return the user's settings; the defaults if there is no file. Raises BadInput with all problems of the file."""
    path = config_file()
    try:
        with open(path, "rb") as file:
            table = toml.loads(file.read(_MAX_BYTES).decode())
    except RecursionError:
        raise BadInput(str(path), [_problem("", "is nested too deeply")]) from None
    except OSError as error:
        if not os.path.exists(path):  # nor may it be where we are not let in, as in the home of another user
            return Config(remembered.theme())
        raise BadInput(str(path), [_problem("", "cannot be read", reason=error.strerror)]) from None
    except ValueError as error:
        raise BadInput(
            str(path), [_problem("", "is not TOML", reason=clean_line(toml.fault(error), _MAX_FAULT))]
        ) from None
    problems: list[Problem] = []
    theme, keys = table.get("theme", remembered.theme()), table.get("keys", {})
    if theme not in THEMES:
        hint = nearest(theme, THEMES) if isinstance(theme, str) else None
        allowed = " | ".join(THEMES)
        problems.append(
            _problem("theme", "not one of the allowed words", value=shown(theme), allowed=allowed, hint=hint)
        )
    if not isinstance(keys, dict):
        problems.append(_problem("keys", "expected a table", value=shown(keys)))
        keys = {}
    problems += _problems_of_keys(keys)
    for key in (key for key in table if key not in ("keys", "theme")):
        name, hint = shown(key).strip("'"), nearest(key, ("keys", "theme"))
        problems.append(_problem(name, "unknown key", value=name, allowed="keys | theme", hint=hint))
    if problems:
        raise BadInput(str(path), problems)
    return Config(theme, {action: _normal(key) for action, key in keys.items()})


def _problems_of_keys(keys: dict[str, object]) -> list[Problem]:
    """Return the problems of the user's keys: unknown actions, invalid keys, two actions on one key."""
    actions = [action.id for action in ACTIONS]
    problems: list[Problem] = []
    good: dict[str, str] = {}
    for action, key in keys.items():
        place = f"keys.{shown(action).strip(chr(39))}"
        if action not in actions:
            hint = nearest(action, actions)
            problems.append(_problem(place, "unknown key", value=shown(action), allowed=" | ".join(actions), hint=hint))
        elif not isinstance(key, str):
            problems.append(_problem(place, "expected text", value=shown(key)))
        elif not all(map(_is_key, _normal(key).split(","))):
            problems.append(_problem(place, "not a key", value=shown(key)))
        else:
            good[action] = _normal(key)
    taken: dict[tuple[str, str], str] = {}
    for each in ACTIONS:
        for key in keys_of(each, good).split(","):
            other = taken.setdefault((each.panel, key), each.id)  # panels may reuse keys of the main screen
            if other != each.id:
                moved, stays = (each.id, other) if each.id in good else (other, each.id)
                problems.append(_problem(f"keys.{moved}", "key is taken", value=written(key), other=stays))
    return problems


def _normal(keys: str) -> str:
    """Return keys by Textual's names: ``full_stop`` for ``.``."""
    return ",".join(key_name(key) if len(key) == 1 else key for key in re.split(r"\s*,\s*(?!$)", keys.strip()))


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if not set(modifiers) <= {"ctrl", "alt", "shift", "super"}:
        return False
    if len(last) == 1 or last in {known.value for known in Keys}:
        return True
    try:  # a character by its name: question_mark
        unicodedata.lookup(last.replace("_", " "))
    except KeyError:
        return last in KEY_NAME_REPLACEMENTS.values()
    return True


def _problem(place: str, rule: str, **figures: str | None) -> Problem:
    return Problem(0, place, Clause(rule, dict(figures)))
