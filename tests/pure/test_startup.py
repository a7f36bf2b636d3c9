"""Commands that print a little start at once: they load nothing that is for others."""

from __future__ import annotations

import subprocess
import sys
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import polib
import pytest

from sandbox.i18n import LANGUAGES, catalogue, catalogue_file
from sandbox.lessons.course import lessons
from sandbox.scenario import built_in, load
from sandbox.scenario.headlines import headline
from tests.support.run import ROOT

#: Each of these takes longer to load than most commands take to do their work.
DEAR = (
    *("rich.console", "rich.table", "textual", "polib", "markdown_it", "psutil"),
    *("asyncio", "email", "xml", "zipfile", "socket", "subprocess", "secrets", "importlib.metadata"),
    *("sandbox.analysis", "sandbox.machines", "sandbox.link", "sandbox.tui", "sandbox.views", "sandbox.model.events"),
)
#: What only whoever reads a scenario needs.
OF_READERS = ("tomllib", "sandbox.scenario.reader", "sandbox.policies", "sandbox.model.spec")
LISTS = (["--version"], ["lessons"], ["lessons", "--json"], ["scenarios"], ["schema"], ["schema", "run"])

_LOADED = """
import sys
from sandbox.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code
print(*sys.modules, file=sys.stderr)
"""


def loaded(*words: str) -> set[str]:
    """The modules that a command has loaded by its end."""
    command = [sys.executable, "-P", "-c", _LOADED, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd=ROOT)
    return {*done.stderr.split()}


def under(names: tuple[str, ...], modules: set[str]) -> list[str]:
    return sorted(name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in names))


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_load_what_they_print(words: list[str]) -> None:
    assert under((*DEAR, *OF_READERS), loaded(*words)) == []


@pytest.mark.parametrize("words", [["policies"], ["check", "scenarios/convoy.toml"]], ids=" ".join)
def test_no_scenario_and_no_policy_needs_what_runs_them(words: list[str]) -> None:
    modules = loaded(*words)
    unneeded = tuple(name for name in DEAR if name != "sandbox.analysis")  # its JUnit cases are plain records
    assert under(unneeded, modules) == []
    assert "sandbox.analysis.conformance.run" not in modules


def test_headlines_say_what_the_whole_scenario_says() -> None:
    for path in built_in():
        scenario, head = load(path), headline(path)
        assert head == (scenario.name, scenario.title, scenario.lesson, scenario.concepts, scenario.folder)
    assert len(lessons()) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="needs the linux machine")
def test_every_sensor_has_a_name_that_is_known_without_it() -> None:
    from sandbox.machines.linux.blocking import sensors

    assert ("auto", *sensors._SENSORS) == sensors.NAMES


# Catalogues, which every command that is not in English reads


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_our_catalogues_are_plain_and_read_as_polib_reads_them(language: str) -> None:
    path = catalogue_file(language)
    theirs = GNUTranslations(BytesIO(polib.pofile(path, encoding="utf-8").to_binary()))
    ours = catalogue.read(path)
    assert all(ours.gettext(entry.msgid) == theirs.gettext(entry.msgid) for entry in polib.pofile(path))
    for entry in polib.pofile(path):
        if entry.msgid_plural:
            forms = [each.ngettext(entry.msgid, entry.msgid_plural, 2) for each in (ours, theirs)]
            assert forms[0] == forms[1] == entry.msgstr_plural[0]
    assert catalogue._NOT_PLAIN.search(path.read_text(encoding="utf-8")) is None


def test_what_is_not_plain_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "xx.po"
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    path.write_text(
        head + '#, fuzzy\nmsgid "one"\nmsgstr "eins"\n\nmsgid "two\\n"\n"lines"\nmsgstr "zwei\\n"\n"Zeilen"\n'
    )
    assert catalogue.read(path).gettext("one") == "one"
    path.write_text(path.read_text().replace("#, fuzzy", "#: x.py"))
    read = catalogue.read(path)
    assert (read.gettext("one"), read.gettext("two\nlines")) == ("eins", "zwei\nZeilen")
