"""Opening another scenario: from the list, by the path of a file, and what is said of a file that has faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from sandbox.lessons.course import in_order
from sandbox.model.commands import UsePolicy
from sandbox.tui.screens.open import Open
from sandbox.util.cpus import usable_cpus
from tests.support.app import MakeDriver, until
from tests.support.kernel_script import KernelScript

BAD = """titel = "x"
[machine]
quantum = 5
policy = "rrr"
[[process]]
work = ["cpu"]
nmae = "x"
[[at]]
time = "1s"
do = "kil x"
"""
PLACES = (
    "line 1, titel",
    "line 3, machine.quantum",
    "line 4, machine.policy",
    "line 6, process[1].work[1]",
    "line 7, process[1].nmae",
    "line 10, at[1].do",
)


def typed(text: str) -> list[str]:
    return ["space" if sign == " " else sign for sign in text]


async def test_a_built_in_one_from_the_list(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        first = driver.link
        await pilot.press("down", "o")
        await pilot.pause()
        assert driver.text.index("Welcome: real programs") < driver.text.index("Multiprogramming: when one waits")
        await pilot.press(*["down"] * [path.stem for path in in_order()].index("convoy"))
        await until(lambda: "The convoy effect: short jobs behind a long one" in driver.text, pilot)
        await pilot.press("enter")
        await until(lambda: len(driver.links) == 2, pilot)
        assert first.ended, "what ran before is ended"
        assert driver.link.scenario.name == "convoy"
        await driver.feed(pilot, KernelScript("fcfs", None, scenario="convoy"))
        assert "ossandbox  convoy" in driver.panel("status")[0]
        assert driver.app.board_screen.chosen is None
        await until(lambda: "The convoy effect" in driver.text, pilot)  # its lesson


async def test_escape_leaves_everything_as_it_is(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        await pilot.press("o", "escape")
        await driver.settle(pilot)
        assert len(driver.links) == 1
        assert "a" in driver.panel("running")[0]


async def test_a_file_by_its_path(make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my own.toml").write_text('title = "Mine"\n[[process]]\nname = "mine"\nwork = ["cpu 1s"]\n')
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o", *typed("~/my own.toml"), "enter")  # typing goes to the line, wherever one is
        await until(lambda: len(driver.links) == 2, pilot)
        assert [process.name for process in driver.link.scenario.processes] == ["mine"]


async def test_the_keys_lead_from_the_list_to_the_line_and_back(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o")
        await pilot.pause()
        assert type(driver.app.focused).__name__ == "OptionList"
        await pilot.press(*["down"] * driver.app.screen.query_one(OptionList).option_count)
        assert type(driver.app.focused).__name__ == "Input"
        await pilot.press("enter")  # nothing was typed
        assert isinstance(driver.app.screen, Open)
        await pilot.press("up")
        assert type(driver.app.focused).__name__ == "OptionList"
        await pilot.press("tab")
        assert type(driver.app.focused).__name__ == "Input"


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_all_faults_of_a_file_are_told_and_nothing_is_started(
    make_driver: MakeDriver, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(BAD)
    driver = make_driver()
    async with driver.app.run_test(size=size) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o", *typed("~/bad.toml"), "enter")
        await pilot.pause()
        assert len(driver.links) == 1
        assert "bad.toml:" in driver.text
        problems = driver.app.screen.query_one(".problems")
        seen = set()
        for _ in range(10):
            seen |= {place for place in PLACES if place in driver.text}
            problems.scroll_relative(y=4, animate=False)
            await pilot.pause()
        assert seen == set(PLACES)
        told = [str(widget.content) for widget in driver.app.screen.query(".problem").results(Static)]
        assert "Did you mean rr?" in "".join(told)
        await pilot.press("x")  # it is being mended
        await pilot.pause()
        assert "bad.toml:" not in driver.text


@pytest.mark.parametrize(
    ("name", "said"), [("nothing.toml", "cannot be read: No such file"), ("convoi", "Did you mean convoy?")]
)
async def test_a_file_that_is_not_there(make_driver: MakeDriver, name: str, said: str) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o", *name, "enter")
        await pilot.pause()
        assert said in driver.text


async def test_more_cpus_than_there_are(make_driver: MakeDriver, tmp_path: Path) -> None:
    number = len(usable_cpus()) + 1
    (tmp_path / "wide.toml").write_text(f'[machine]\ncpus = {number}\n[[process]]\nname = "a"\nwork = ["cpu 1s"]\n')
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o", *typed("~/wide.toml"), "enter")
        await pilot.pause()
        assert f"{number} mini CPUs, but this machine has {number - 1}" in driver.text
        assert len(driver.links) == 1


async def test_a_built_in_one_that_has_faults_is_told_in_the_list(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.toml").write_text(BAD)
    monkeypatch.setattr("sandbox.tui.screens.open.in_order", lambda: [tmp_path / "bad.toml"])
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o")
        await pilot.pause()
        assert "bad" in driver.text


async def test_a_file_that_is_changed_for_the_worse_before_a_restart(make_driver: MakeDriver, tmp_path: Path) -> None:
    """A scenario is read once: a restart runs what was read."""
    (tmp_path / "mine.toml").write_text('[[process]]\nname = "mine"\nwork = ["cpu 1s"]\n')
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        await pilot.press("o", *typed("~/mine.toml"), "enter")
        await until(lambda: len(driver.links) == 2, pilot)
        (tmp_path / "mine.toml").write_text(BAD)
        await pilot.press("r")
        await until(lambda: len(driver.links) == 3, pilot)
        assert [process.name for process in driver.link.scenario.processes] == ["mine"]


# A policy of one's own


async def test_a_policy_of_ones_own_is_typed_with_or_without_its_class(make_driver: MakeDriver, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from sandbox.policies import Policy\nclass Mine(Policy): pass\n")
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        for typed in (f"{path}", f"{path}:Mine"):
            driver.link.sent.clear()
            await pilot.press("p")
            await pilot.pause()
            driver.app.screen.query_one(Input).value = typed
            driver.app.screen.query_one(Input).focus()
            await pilot.press("enter")
            await until(lambda: driver.sent == [UsePolicy(f"{path}:Mine")], pilot)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nosuch", "there is no policy nosuch"),
        ("gone.py", "No such file or directory"),
        ("broken.py", "broken.py fails in line 2: SyntaxError"),
        ("two.py", "write two.py:One | two.py:Two"),
        ("two.py:Three", "there is no class Three in two.py"),
        ("none.py", "write file.py:Class"),
    ],
)
async def test_what_is_no_policy_is_told_where_it_was_typed(
    make_driver: MakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, said: str
) -> None:
    (tmp_path / "broken.py").write_text("class Mine:\n    def pick(:\n")
    (tmp_path / "two.py").write_text("class One: pass\nclass Two: pass\nclass _Help: pass\n")
    (tmp_path / "none.py").write_text("1 / 0  # it is read, not run\n")
    monkeypatch.chdir(tmp_path)
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        await pilot.press("p", *typed, "enter")
        await pilot.pause()
        assert said in driver.text
        assert driver.sent == []
        await pilot.press("ctrl+u", *"rr", "enter")
        await until(lambda: driver.sent == [UsePolicy("rr")], pilot)


async def test_f51_a_policy_that_a_file_brings_is_run_if_the_person_says_so(
    make_driver: MakeDriver, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('RAN').touch()\n"
        "from sandbox.policies import Policy\nclass Mine(Policy): pass\n"
    )
    path = tmp_path / "it.toml"
    path.write_text('[machine]\npolicy = "mine.py:Mine"\n[[process]]\nwork = ["cpu 10ms"]\n')
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        await pilot.press("o")
        await pilot.pause()
        for answer, links in (("escape", 1), ("enter", 2)):
            driver.app.screen.query_one(Input).value = str(path)
            driver.app.screen.query_one(Input).focus()
            await pilot.press("enter")
            await until(lambda: "which runs with your rights: mine.py:Mine" in driver.text, pilot)
            assert not (tmp_path / "RAN").exists()
            await pilot.press(answer)
            await pilot.pause()
            assert (len(driver.links), (tmp_path / "RAN").exists()) == (links, links == 2)
