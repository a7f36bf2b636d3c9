"""The one exit for words: whatever a command prints goes through here, on either stream.

Nothing in it can steer a terminal, wherever it came from: a file's name, a title, a message of the system. A character
that the stream's encoding lacks becomes one that looks like it, or a question mark; never a traceback. Data for other
programs is UTF-8, whatever the terminal speaks.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from sandbox.model.problems import BadInput
from sandbox.util.stdin import NAME
from sandbox.util.text import clean

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

#: How ``codecs`` knows what is done with a character that an encoding lacks.
DEGRADE = "ossandbox.degrade"
#: What is said instead of a sign, in as many cells, so that tables and charts stay what they are. States differ:
#: running #, ready :, blocked a dot.
SIGNS = {
    **dict(zip("→←↑↓▶▸›»◀◂‹«▲▼△▽▾", "><^v>>>><<<<^v^vv", strict=True)),
    **dict.fromkeys("─‐‑–—−", "-"),
    **dict.fromkeys("━═", "="),
    **dict.fromkeys("╌╎", "."),
    **dict.fromkeys("╍╏", ":"),
    **dict.fromkeys("│┃║▏▎▍▌▕", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛╔╗╚╝┣┫┳┻╋", "+"),
    **dict.fromkeys("█▇▆▅▄▉▊▋▐■", "#"),
    **dict.fromkeys("▁▂▃╵", "_"),
    **dict.fromkeys("░▒▓", ":"),
    **dict.fromkeys("·•", "."),
    **dict.fromkeys("✔✓", "+"),
    **dict.fromkeys("✘✗×", "x"),
    **dict.fromkeys("○●", "o"),
    **dict.fromkeys("◆◇♪", "*"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”", '"'),
    **dict.fromkeys("±≈…", "~"),
    "▔": "^",
    "‖": "=",
    "⏎": "&",
    "≤": "<",
    "≥": ">",
    "√": "V",
    "²": "2",
    "µ": "u",
    "Σ": "S",
    **dict(zip("：，。（）；", ":,.();", strict=True)),
}


def likeness(character: str) -> str:
    """A character, or half of one that could not be decoded, in ASCII and in as many cells."""
    import unicodedata  # only where something is lacking

    from rich.cells import cell_len

    cells = max(cell_len(character), 1)
    if (sign := SIGNS.get(character)) is not None:
        return sign.ljust(cells)
    if "\u2800" <= character <= "\u28ff":  # dots of Braille: lines of a chart
        return "."
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain if len(plain) == cells and plain.isprintable() else "?" * cells


def _degrade(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(likeness, error.object[error.start : error.end])), error.end


codecs.register_error(DEGRADE, _degrade)


def open_streams() -> None:
    """Standard streams that are closed lead nowhere from now on; else the next file or socket would be one of them.
    None fails for want of a character."""
    with suppress(OSError):  # there may be no such device, and no descriptor left
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=DEGRADE)


def flush() -> None:
    """What was printed so far goes out, where there is somebody to read it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def can_say(text: str) -> bool:
    """Whether standard output, or where that leads nowhere standard error, has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def say(*lines: str) -> None:
    """Lines on standard output; without any, an empty one."""
    print(*map(clean, lines), sep="\n")


def aside(when: bool) -> AbstractContextManager[object]:
    """``with aside(True): …`` says on standard error what is said in it: a document has standard output."""
    return redirect_stdout(sys.stderr) if when else nullcontext()


def say_aside(text: str) -> None:
    """Lines on standard error."""
    print(clean(text), file=sys.stderr)


def write(text: str, file: SupportsWrite[str] | None) -> None:
    """A text that brings its own ends of lines, as argparse has them."""
    (file or sys.stderr).write(clean(text))


def say_later(printed: str, aside: str) -> None:
    """What was kept of standard output and standard error goes out: somebody else has said it."""
    write(printed, sys.stdout)
    write(aside, sys.stderr)


def rewrite_line(text: str) -> None:
    """Put this in the place of the line that standard error, a terminal, shows last."""
    print(f"\r\x1b[K{clean(text)}", end="", file=sys.stderr, flush=True)


def say_document(document: Any) -> None:
    """A JSON document on standard output, in ASCII."""
    print(json.dumps(document))


@contextmanager
def data() -> Iterator[TextIO]:
    """Standard output as a file for other programs: UTF-8, and its lines end as in a file."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # somebody has put another stream in its place
        yield sys.stdout
        return
    file = _Data(buffer, encoding="utf-8", errors=DEGRADE, newline="\n", write_through=True)
    try:
        yield file
        file.flush()
    finally:
        file.detach()


@contextmanager
def binary() -> Iterator[BinaryIO]:
    """Standard output for bytes."""
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


class _Data(io.TextIOWrapper):
    """It may be a terminal after all."""

    def write(self, text: str) -> int:
        super().write(clean(text))
        return len(text)


def write_output(path: str, whole: bytes) -> None:
    """The same; ``-``: standard output. Raises BadInput."""
    if path != NAME:
        write_file(path, whole)
        return
    with binary() as out:
        out.write(whole)


def write_file(path: str, whole: bytes) -> None:
    """A file that holds this. Raises BadInput."""
    try:
        with open(path, "wb") as file:
            file.write(whole)
    except OSError as error:
        raise BadInput.because(path, "cannot be written", reason=error.strerror) from None
