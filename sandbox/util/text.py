"""Cleaning of foreign text where it enters the program, so that nothing in it can control a terminal."""

from __future__ import annotations

import re

# C0 and C1 controls and DEL can move the cursor, set titles or open links; bidi controls can make
# one text look like another; and terminals disagree about the width of invisible characters, joiners and variation
# selectors. Newline and tab are kept; a carriage return starts a new line.
_LINE_END = re.compile(r"\r+\n?")
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI … final byte: colours, cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC with their payload
    r"|\x1b[ -/]*[0-~]"  # two-byte escapes
)
# A possible incomplete escape sequence or line end at the end of a piece of text.
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)?|\r+)\Z")
_MAX_HELD = 4_096
_UNLIKE = r"\x80-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
#: From this character on, ``str.isprintable`` may accept unwanted characters; it accepts none of those before.
_FIRST_VARIATION = "\ufe00"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f{_UNLIKE}]")
#: Lone surrogates, which cannot be encoded in files, recordings or messages.
_HALF = re.compile("[\ud800-\udfff]")
_NO_TERMINALS = re.compile(f"[{_UNLIKE}]")
# The sequences with which a program styles and corrects its own line: colours (SGR), clearing within the line, carriage
# return and backspace.
_MARK = re.compile(r"\x1b\[(?:[0-9;:]{0,48}m|[0-2]?K)|[\r\b]")
_FOREIGN = re.compile(f"{_ESCAPE.pattern}|{_CONTROL.pattern}")


def clean(text: str) -> str:
    """Return text without anything that could control a terminal and without invisible characters; newlines and tabs
    stay, and lone surrogates are replaced."""
    if text.isprintable() and max(text, default="") < _FIRST_VARIATION:
        return text
    return _HALF.sub("\ufffd", _CONTROL.sub("", _ESCAPE.sub("", _LINE_END.sub("\n", text))))


def without_controls(text: str) -> str:
    """Remove only single control and invisible characters, which occupy no cell, so that the text keeps its width."""
    return _CONTROL.sub("", text)


def clean_line(text: str, most: int = 200) -> str:
    """Return text as one clean line of at most ``most`` characters, for names, titles, causes."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def clean_console(text: str) -> str:
    """Remove from console output everything that could do more than style and correct its own line. Colours, clearing a
    line, carriage return and backspace stay; ``sandbox.views.console`` interprets them."""
    return _FOREIGN.sub(_mark, text)


def clean_terminal(text: str) -> str:
    """Prepare a program's output for the emulated terminal: remove only what terminals treat differently, C1 controls
    and invisible characters."""
    return text if text.isascii() else _NO_TERMINALS.sub("", text)


def _mark(found: re.Match[str]) -> str:
    return found[0] if _MARK.fullmatch(found[0]) else ""


class Cleaner:
    """Applies ``clean_console`` to text that comes in pieces, recognising escape sequences that are cut in two."""

    def __init__(self) -> None:
        self._held = ""

    def whole(self, text: str, last: bool = False) -> str:
        """Return the text so far up to the start of an incomplete sequence, which is held back. ``last``: no more text
        follows, so nothing is held back."""
        text = self._held + text
        self._held = ""
        if not last:
            cut = _UNFINISHED.search(text, max(len(text) - _MAX_HELD, 0))
            if cut is not None:
                text, self._held = text[: cut.start()], text[cut.start() :]
        return text

    def feed(self, text: str, last: bool = False) -> str:
        """Return the clean part of the complete text so far. ``last``: no more text follows."""
        return clean_console(self.whole(text, last))
