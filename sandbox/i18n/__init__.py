"""Translation of messages: English as written in the code, other languages from gettext catalogues.

Code says ``_("{name} is over").format(name=name)``, because a catalogue can only contain the message before its
figures are filled in. Messages that are looked up later are marked where they are written, with ``N_("…")`` or in a
table annotated as ``Messages``, and translated where they are used: ``_(TABLE[rule])``. ``make messages`` updates the
catalogues.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from gettext import NullTranslations
from pathlib import Path

#: The available languages; the first one is that of the messages themselves.
LANGUAGES = ("en", "zh")
#: The name of each language in that language.
NATIVE = {"en": "English", "zh": "中文"}

#: A table of messages by subject; the messages in tables with this annotation are put into the catalogues.
Messages = Mapping[str, str]


class _Spoken:
    """The language in use and its catalogue."""

    language = "en"
    catalogue = NullTranslations()


def use(language: str, catalogue: NullTranslations | None = None) -> None:
    """Set the language from now on: one of LANGUAGES, or any other with a ``catalogue`` given."""
    if catalogue is None:
        catalogue = NullTranslations() if language == "en" else _read(catalogue_file(language))
    _Spoken.language, _Spoken.catalogue = language, catalogue


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Return a context manager in which messages are translated to a language."""
    before = _Spoken.language, _Spoken.catalogue
    use(language)
    try:
        yield
    finally:
        _Spoken.language, _Spoken.catalogue = before


def english() -> AbstractContextManager[None]:
    """Return a context manager in which messages are in English, for output that is read by programs."""
    return speaking("en")


def spoken() -> str:
    """Return the language in use."""
    return _Spoken.language


def catalogue_file(language: str) -> Path:
    """Return the path of the catalogue of a language other than English."""
    return Path(__file__).with_name(f"{language}.po")


@cache
def _read(path: Path) -> NullTranslations:
    from sandbox.i18n.catalogue import read  # imported here because English does not need it

    return read(path)


def system_language() -> str:
    """Return the language set in the environment if it is one of LANGUAGES, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return next((language for language in LANGUAGES if value.startswith(language)), "en")
    return "en"


def _(message: str) -> str:
    """Return the message in the language in use."""
    return _Spoken.catalogue.gettext(message) if message else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Return the message in the form that the language in use has for this number."""
    return _Spoken.catalogue.ngettext(one, many, number)


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name
    """Mark a message that is translated later, where it is used, and return it unchanged."""
    return message
