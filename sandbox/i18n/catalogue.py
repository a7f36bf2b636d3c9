"""A reader for translators' ``.po`` files, so that there is no compiled form that could be out of date.

It reads only plain files, as this project's catalogues are, in a fourth of polib's time, because every command in
another language than English has to wait for it. Other files are read by polib.
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
#: Matches entries that are not plain: those with a context, and unconfirmed ("fuzzy") ones.
_NOT_PLAIN = re.compile(r"^(?:msgctxt |#,.*fuzzy)", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
#: The header of a compiled catalogue: magic number, version, number of entries, offsets of the two tables, and the size
#: and offset of the hash table, which is omitted.
_MAGIC, _HEAD = 0x950412DE, struct.Struct("<7I")


def read(path: Path) -> GNUTranslations:
    """Read the catalogue of a ``.po`` file."""
    text = path.read_text(encoding="utf-8")
    return GNUTranslations(BytesIO(_by_polib(path) if _NOT_PLAIN.search(text) else _compiled(text)))


def _by_polib(path: Path) -> bytes:
    import polib

    compiled: bytes = polib.pofile(path, encoding="utf-8").to_binary()
    return compiled


def _compiled(text: str) -> bytes:
    """Return a catalogue in gettext's compiled form: a table of the messages, one of the translations, the texts."""
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
    """Return a message and its translation; plural forms are separated by NUL."""
    one, many, translations = found.groups()
    if many is None:
        return _plain(one).encode(), _plain(translations.removeprefix("msgstr ").rstrip("\n")).encode()
    forms = [form[1] for form in _FORM.finditer(translations)]
    return f"{_plain(one)}\0{_plain(many)}".encode(), "\0".join(map(_plain, forms)).encode()


def _plain(written: str) -> str:
    """Return the text of one or more quoted lines, with escapes resolved."""
    text = "".join(line[1:-1] for line in written.split("\n")) if "\n" in written else written[1:-1]
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text) if "\\" in text else text
