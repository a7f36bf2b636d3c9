"""Foreign text is made harmless where it enters: nothing in it may steer a terminal."""

from __future__ import annotations

import re

# C0 and C1 controls and DEL can move the cursor, set titles or open links; bidi controls can make
# one text look like another; and of what is invisible, joins characters or varies them, no two terminals think that it
# is equally wide. Newline and tab are kept; a carriage return starts a new line.
_LINE_END = re.compile(r"\r+\n?")
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI … final byte: colours, cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC with their payload
    r"|\x1b[ -/]*[0-~]"  # two-byte escapes
)
# The end of a console's text that may be the beginning of an escape sequence, or of the end of a line.
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)?|\r+)\Z")
_MAX_HELD = 4_096
_UNLIKE = r"\x80-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
#: What is invisible or no character from here on may be printable to Python; before, nothing of that kind is.
_FIRST_VARIATION = "\ufe00"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f{_UNLIKE}]")
#: Half a character: no file, recording or message can carry it.
_HALF = re.compile("[\ud800-\udfff]")
_NO_TERMINALS = re.compile(f"[{_UNLIKE}]")
# What a program dresses and corrects its own line with: colours (SGR), and clearing to the end of the line. Return and
# backspace stay, too.
_MARK = re.compile(r"\x1b\[(?:[0-9;:]{0,48}m|[0-2]?K)|[\r\b]")
_FOREIGN = re.compile(f"{_ESCAPE.pattern}|{_CONTROL.pattern}")


def clean(text: str) -> str:
    """Text without anything that could steer a terminal, or that is none; lines and tabs stay."""
    if text.isprintable() and max(text, default="") < _FIRST_VARIATION:
        return text
    return _HALF.sub("\ufffd", _CONTROL.sub("", _ESCAPE.sub("", _LINE_END.sub("\n", text))))


def without_controls(text: str) -> str:
    """Text of which what has no cell is left out, so that it is as wide as before."""
    return _CONTROL.sub("", text)


def clean_line(text: str, most: int = 200) -> str:
    """One harmless line of at most ``most`` characters: names, titles, causes."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def clean_console(text: str) -> str:
    """What a program wrote on its console, without anything that could do more than dress and correct its own line:
    the marks of colours, clearing a line, return and backspace stay. ``sandbox.views.console`` knows what they mean."""
    return _FOREIGN.sub(_mark, text)


def clean_terminal(text: str) -> str:
    """What a program sent to its terminal, which is emulated and sees all of it but what no two terminals do alike:
    controls of the second kind (C1), and what is invisible."""
    return text if text.isascii() else _NO_TERMINALS.sub("", text)


def _mark(found: re.Match[str]) -> str:
    return found[0] if _MARK.fullmatch(found[0]) else ""


class Cleaner:
    """``clean_console`` for text that comes in pieces: an escape sequence cut in two is still recognised."""

    def __init__(self) -> None:
        self._held = ""

    def whole(self, text: str, last: bool = False) -> str:
        """What has come so far, up to where a sequence begins that goes on; ``last``: nothing more will come."""
        text = self._held + text
        self._held = ""
        if not last:
            cut = _UNFINISHED.search(text, max(len(text) - _MAX_HELD, 0))
            if cut is not None:
                text, self._held = text[: cut.start()], text[cut.start() :]
        return text

    def feed(self, text: str, last: bool = False) -> str:
        """The harmless part of what has come so far."""
        return clean_console(self.whole(text, last))
