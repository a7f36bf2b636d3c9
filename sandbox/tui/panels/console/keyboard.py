"""Conversion of keys from the app's names to those of the terminal emulator."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

#: Names of keys that type characters, where neither the key's own name nor the Unicode name gives the character.
_CHARACTERS = {
    "space": " ",
    "at": "@",
    "circumflex_accent": "^",
    "underscore": "_",
    "backslash": "\\",
    "minus": "-",
    "plus": "+",
    "slash": "/",
}
#: Keys that do not type characters.
_KEYPADS = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete")
_NAMED = {*_KEYPADS, "enter", "tab", "escape", "backspace", *(f"f{number}" for number in range(1, 25))}
_MODIFIERS = ("shift", "alt", "ctrl")


class Pressed(NamedTuple):
    """A key press: the key's name or character, the text that it types, and the modifier keys held down."""

    name: str
    text: str | None
    modifiers: tuple[str, ...]


def pressed(key: str, character: str | None) -> Pressed | None:
    """Return the key press for the app's name of a key; None for a key that no terminal sends."""
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    held = tuple(modifier for modifier in _MODIFIERS if modifier in modifiers)
    if name in _NAMED:
        return Pressed(name, None, held)
    if character is not None and character.isprintable() and not {"ctrl", "alt"} & set(held):
        return Pressed(character, character, ())
    found = name if len(name) == 1 else _character(name)
    if found is None:
        return None
    if "shift" in held:
        found = found.upper()
    return Pressed(found, found if "ctrl" not in held else None, tuple(each for each in held if each != "shift"))


def _character(name: str) -> str | None:
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    try:
        return unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return None
