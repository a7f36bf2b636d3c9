"""The language in which people are spoken to: English as it stands in the code, others from gettext's catalogues.

Code says ``_("{name} is over").format(name=name)``: a catalogue can only have what is a whole sentence, before its
figures are filled in. Sentences that are looked up later are marked where they are written, ``N_("…")`` or a table
annotated as ``Messages``, and translated where they are said, ``_(TABLE[rule])``. ``make messages`` brings the
catalogues up to date.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from gettext import NullTranslations
from pathlib import Path

#: The first one is that of the messages themselves.
LANGUAGES = ("en", "zh")
#: Each by its own name.
NATIVE = {"en": "English", "zh": "中文"}

#: A table of sentences by what they are about; all that is annotated with it stands in the catalogues.
Messages = Mapping[str, str]


class _Spoken:
    """What is spoken at present."""

    language = "en"
    catalogue = NullTranslations()


def use(language: str, catalogue: NullTranslations | None = None) -> None:
    """Speak a language from now on: one of LANGUAGES, or any other that has a ``catalogue`` of its own."""
    if catalogue is None:
        catalogue = NullTranslations() if language == "en" else _read(catalogue_file(language))
    _Spoken.language, _Spoken.catalogue = language, catalogue


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """In here all is said in that language."""
    before = _Spoken.language, _Spoken.catalogue
    use(language)
    try:
        yield
    finally:
        _Spoken.language, _Spoken.catalogue = before


def english() -> AbstractContextManager[None]:
    """In here all is said in English: what programs read is the same in every language."""
    return speaking("en")


def spoken() -> str:
    """The language that is spoken."""
    return _Spoken.language


def catalogue_file(language: str) -> Path:
    """The catalogue of a language other than English."""
    return Path(__file__).with_name(f"{language}.po")


@cache
def _read(path: Path) -> NullTranslations:
    from sandbox.i18n.catalogue import read  # most speak English

    return read(path)


def system_language() -> str:
    """The language that the system is set to, if it is one of LANGUAGES; English otherwise."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return next((language for language in LANGUAGES if value.startswith(language)), "en")
    return "en"


def _(message: str) -> str:
    """The message in the language that is spoken."""
    return _Spoken.catalogue.gettext(message) if message else ""


def ngettext(one: str, many: str, number: int) -> str:
    """The message for one, or that for many, as the language has it for this number."""
    return _Spoken.catalogue.ngettext(one, many, number)


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name
    """Marks a message that is translated when it is said."""
    return message
