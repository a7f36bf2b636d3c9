"""What the catalogues say is fit to be shown: the same figures as in English, nothing that a terminal would obey."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from rich.cells import cell_len

from sandbox.i18n import LANGUAGES, _, use
from sandbox.tui.keys import ACTIONS, PANELS
from sandbox.tui.widgets.status import PHASE_CELLS
from sandbox.wording.waits import STATES
from tests.scripts.messages import catalogue, template

pytestmark = pytest.mark.parametrize("language", LANGUAGES[1:])

#: What argparse fills in: ``%(prog)s``, ``%s``.
_PERCENT = re.compile(r"%(?:\(\w+\))?[srd]")


def messages(language: str) -> list[Message]:
    """All that a catalogue has, without its header."""
    return [message for message in catalogue(language) if message.id]


def forms(said: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """A message for one thing, or for one and many."""
    return [said] if isinstance(said, str) else list(said or ())


def figures(text: str) -> Counter[tuple[str | None, ...]]:
    """The figures that a message takes, and how it writes them."""
    found = Formatter().parse(text)
    braces = Counter((name, spec, conversion) for __, name, spec, conversion in found if name is not None)
    return braces + Counter((percent,) for percent in _PERCENT.findall(text))


@pytest.fixture
def spoken(language: str) -> Iterator[None]:
    use(language)
    yield
    use("en")


def test_the_catalogue_has_what_the_code_says_and_nothing_else(language: str) -> None:
    """``make messages`` puts in what is missing and takes out what is stale."""
    ours = {str(message.id) for message in messages(language)}
    theirs = {str(message.id) for message in template() if message.id}
    assert (theirs - ours, ours - theirs) == (set(), set())


def test_everything_is_translated_and_nothing_is_a_guess(language: str) -> None:
    wanting = [message.id for message in messages(language) if message.fuzzy or not all(forms(message.string))]
    assert wanting == []


def test_translations_take_the_figures_of_what_they_translate(language: str) -> None:
    wrong = []
    for message in messages(language):
        *_, many = forms(message.id)
        wrong += [said for said in forms(message.string) if figures(said) != figures(many)]
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


@pytest.mark.usefixtures("spoken")
def test_words_fit_where_they_stand(language: str) -> None:
    keys = {action.brief: 6 for action in ACTIONS}  # as many as possible stand in 80 cells
    tabs = {panel.name: 8 for panel in PANELS}
    titles = {
        name: 6 if name in ("NEW", "DONE") else 12 for name in STATES.values()
    }  # of narrow columns, with a number
    phases = {
        str(message.id): PHASE_CELLS
        for message in messages(language)
        if "tui/widgets/status.py" in [file for file, *__ in message.locations]
        and str(message.id).split()[-1].isupper()
    }
    assert len(phases) > 5
    limits = keys | tabs | titles | phases
    assert {word: _(word) for word, most in limits.items() if cell_len(_(word)) > most} == {}
