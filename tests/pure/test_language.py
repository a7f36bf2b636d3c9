"""What the catalogues say is fit to be shown: the same figures as in English, nothing that a terminal would obey."""

from __future__ import annotations

from collections import Counter
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message

from sandbox.language import LANGUAGES
from tests.messages import catalogue

pytestmark = pytest.mark.parametrize("language", LANGUAGES[1:])


def messages(language: str) -> list[Message]:
    """All that a catalogue has, without its header."""
    return [message for message in catalogue(language) if message.id]


def forms(said: str | tuple[str, ...] | list[str]) -> list[str]:
    """A message for one thing, or for one and many."""
    return [said] if isinstance(said, str) else list(said)


def fields(text: str) -> Counter[tuple[str, str | None, str | None]]:
    """The figures that a message takes, and how it writes them."""
    found = Formatter().parse(text)
    return Counter((name, spec, conversion) for _, name, spec, conversion in found if name is not None)


def test_translations_take_the_figures_of_what_they_translate(language: str) -> None:
    wrong = []
    for message in messages(language):
        *_, many = forms(message.id)
        wrong += [said for said in forms(message.string) if fields(said) != fields(many)]
    assert wrong == []


def test_plurals_have_all_forms_of_the_language(language: str) -> None:
    book: Catalog = catalogue(language)
    numbers = {str(message.id): len(forms(message.string)) for message in messages(language) if message.pluralizable}
    assert numbers == dict.fromkeys(numbers, book.num_plurals)


def test_translations_hold_nothing_that_a_terminal_would_obey(language: str) -> None:
    wrong = []
    for message in messages(language):
        allowed = {"\n"} & set("".join(forms(message.id)))
        wrong += [said for said in forms(message.string) if any(not (c.isprintable() or c in allowed) for c in said)]
    assert wrong == []
