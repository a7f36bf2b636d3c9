"""Functions through which commands print everything, on both standard streams.

All text is cleaned so that nothing in it can control a terminal, whatever its source: a file name, a title, a message
of the system. A character that the stream's encoding lacks is replaced by a similar one or a question mark, and never
causes an error. Data for other programs is UTF-8, whatever the encoding of the terminal.
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

#: The name of the codec error handler that replaces characters that an encoding lacks.
DEGRADE = "ossandbox.degrade"
#: ASCII replacements of the same width, so that tables and charts keep their shape. The states stay distinct: running
#: #, ready :, blocked a dot.
SIGNS = {
    **dict(zip("→←↑↓▶▸›»◀◂‹«▲▼△▽", "><^v>>>><<<<^v^v", strict=True)),
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
    **dict.fromkeys("✔✓▾", "+"),
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
    """Return an ASCII replacement of the same width for a character, which may be a lone surrogate."""
    import unicodedata  # imported here because it is rarely needed

    from rich.cells import cell_len

    cells = max(cell_len(character), 1)
    if (sign := SIGNS.get(character)) is not None:
        return sign.ljust(cells)
    if "\u2800" <= character <= "\u28ff":  # Braille dots, which form the lines of a chart
        return "."
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain if len(plain) == cells and plain.isprintable() else "?" * cells


def _degrade(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(likeness, error.object[error.start : error.end])), error.end


codecs.register_error(DEGRADE, _degrade)


def open_streams() -> None:
    """Open closed standard streams on /dev/null, as the next file or socket would otherwise get their descriptor, and
    make all of them replace characters that their encoding lacks."""
    with suppress(OSError):  # there may be no such device, or no descriptor left
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=DEGRADE)


def flush() -> None:
    """Flush both standard streams, ignoring errors."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def can_say(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def say(*lines: str) -> None:
    """Print lines on standard output; without arguments, an empty line."""
    print(*map(clean, lines), sep="\n")


def aside(when: bool) -> AbstractContextManager[object]:
    """Return a context manager that redirects ``say`` to standard error if ``when`` is true, to keep standard output
    free for a document."""
    return redirect_stdout(sys.stderr) if when else nullcontext()


def say_aside(text: str) -> None:
    """Print text on standard error."""
    print(clean(text), file=sys.stderr)


def write(text: str, file: SupportsWrite[str] | None) -> None:
    """Write text without adding a newline to a stream (None: standard error), as argparse needs it."""
    (file or sys.stderr).write(clean(text))


def say_later(printed: str, aside: str) -> None:
    """Print captured standard output and standard error of another process."""
    write(printed, sys.stdout)
    write(aside, sys.stderr)


def rewrite_line(text: str) -> None:
    """Replace the last line on standard error, which must be a terminal."""
    print(f"\r\x1b[K{clean(text)}", end="", file=sys.stderr, flush=True)


def say_document(document: Any) -> None:
    """Print a JSON document on standard output, in ASCII."""
    print(json.dumps(document))


@contextmanager
def data() -> Iterator[TextIO]:
    """Return a context manager for standard output as a file for other programs: UTF-8, with unchanged line ends."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # sys.stdout was replaced by another kind of stream
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
    """Return a context manager for standard output as a binary file."""
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


class _Data(io.TextIOWrapper):
    """Cleans the text, because standard output may still be a terminal."""

    def write(self, text: str) -> int:
        super().write(clean(text))
        return len(text)


def write_output(path: str, whole: bytes) -> None:
    """Write bytes to a file; ``-``: standard output. Raises BadInput."""
    if path != NAME:
        write_file(path, whole)
        return
    with binary() as out:
        out.write(whole)


def write_file(path: str, whole: bytes) -> None:
    """Write bytes to a file. Raises BadInput."""
    try:
        with open(path, "wb") as file:
            file.write(whole)
    except OSError as error:
        raise BadInput.because(path, "cannot be written", reason=error.strerror) from None
