"""A catalogue straight from what translators write: there is no second form of it to be out of date.

What they write in full is for polib to read. This reads the plain part of it, which is all that our own catalogues
consist of, in a fourth of the time: every command that is not in English has to wait for it.
"""

from __future__ import annotations

import re
import struct
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

_TEXT = r'"[^\n]*"(?:\n"[^\n]*")*'
_ENTRY = re.compile(
    rf"^msgid ({_TEXT})\n(?:msgid_plural ({_TEXT})\n)?((?:msgstr(?:\[\d\])? {_TEXT}\n?)+)", re.MULTILINE
)
_FORM = re.compile(rf"msgstr\[\d\] ({_TEXT})")
#: What is not plain: an entry that stands for several meanings of its text, or that nobody has confirmed.
_NOT_PLAIN = re.compile(r"^(?:msgctxt |#,.*fuzzy)", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
#: The head of a compiled catalogue: what it is, version, number of entries, where its two tables are, no hash table.
_MAGIC, _HEAD = 0x950412DE, struct.Struct("<7I")


def read(path: Path) -> GNUTranslations:
    """The catalogue of a file."""
    text = path.read_text(encoding="utf-8")
    return GNUTranslations(BytesIO(_by_polib(path) if _NOT_PLAIN.search(text) else _compiled(text)))


def _by_polib(path: Path) -> bytes:
    import polib

    compiled: bytes = polib.pofile(path, encoding="utf-8").to_binary()
    return compiled


def _compiled(text: str) -> bytes:
    """The catalogue as gettext reads it: a table of where the messages are, one of their translations, all texts."""
    entries = sorted(entry for entry in map(_entry, _ENTRY.finditer(text)) if entry[1].strip(b"\0"))
    tables: tuple[list[int], list[int]] = ([], [])
    texts = bytearray()
    begin = _HEAD.size + 16 * len(entries)
    for entry in entries:
        for table, piece in zip(tables, entry, strict=True):
            table.extend((len(piece), begin + len(texts)))
            texts += piece + b"\0"
    head = _HEAD.pack(_MAGIC, 0, len(entries), _HEAD.size, _HEAD.size + 8 * len(entries), 0, begin)
    numbers = [number for table in tables for number in table]
    return head + struct.pack(f"<{len(numbers)}I", *numbers) + texts


def _entry(found: re.Match[str]) -> tuple[bytes, bytes]:
    """A message and its translation; of several forms each behind a NUL."""
    one, many, translations = found.groups()
    if many is None:
        return _plain(one).encode(), _plain(translations.removeprefix("msgstr ").rstrip("\n")).encode()
    forms = [form[1] for form in _FORM.finditer(translations)]
    return f"{_plain(one)}\0{_plain(many)}".encode(), "\0".join(map(_plain, forms)).encode()


def _plain(written: str) -> str:
    """What lines in quotation marks say."""
    text = "".join(line[1:-1] for line in written.split("\n")) if "\n" in written else written[1:-1]
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text) if "\\" in text else text
