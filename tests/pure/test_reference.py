"""The reference says what the code says."""

from __future__ import annotations

import pytest

from sandbox.i18n import LANGUAGES
from sandbox.scenario.tables import kinds
from sandbox.wording.keys import KEYS
from tests.scripts.reference import PAGE, TABLES, page
from tests.support.guide import text


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_current(language: str) -> None:
    assert text(PAGE, language) == page(language), "make docs"


def test_every_key_is_told_and_there_are_no_others() -> None:
    there = {f"{name}.{key}" for name, struct in TABLES.items() for key in kinds(struct)}
    assert {key for key in KEYS if not key.startswith(".")} == there
