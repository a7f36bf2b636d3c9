"""Where one is in the course: what has been finished is remembered, shown in the list, and one key leads on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.lessons.course import after, finish, finished, lessons, progress_file
from sandbox.scenario import find, load
from tests.support.app import MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript
from tests.support.run import ossandbox


async def test_a_lesson_that_was_read_to_its_end_is_remembered_and_one_key_leads_to_the_next(
    make_driver: MakeDriver,
) -> None:
    lesson = load(find("start-join"))
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = (
            KernelScript().admit("parent").run("parent").admit("child", parent="parent").write("parent", "started it\n")
        )
        await driver.feed(pilot, script)
        script.pause().operator("resumed").run("parent").block("parent", "wait for child")
        await driver.feed(pilot, script)
        await driver.feed(
            pilot, script.pause().operator("resumed").run("child").exit("child").wake("parent").run("parent")
        )
        assert finished() == frozenset()
        assert "next lesson" not in driver.text
        await driver.feed(pilot, script.exit("parent"))
        assert "start-join" in finished()
        await driver.settle(pilot)
        assert "L next lesson" in driver.text
        await pilot.press("o")
        await pilot.pause()
        assert f"1 of {len(lessons())} lessons finished" in driver.text
        assert "✔ start-join" in driver.text
        assert "✔ mail" not in driver.text
        await pilot.press("escape", "L")
        await until(lambda: driver.link.scenario.name == "mail", pilot)


async def test_a_lesson_without_steps_is_over_although_a_program_of_the_readers_goes_on(
    make_driver: MakeDriver,
) -> None:
    lesson = load(find("starvation"))
    driver = make_driver(lesson)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        for process in lesson.processes:
            script.admit(process.name)
        driver.app.session.own.ask(["python3"])
        await driver.feed(pilot, script.spawn("python3", "python3"))
        assert "next lesson" not in driver.text
        for process in lesson.processes:
            script.run(process.name).exit(process.name)
        await driver.feed(pilot, script)
        await driver.settle(pilot)
        assert "L next lesson" in driver.text


async def test_what_nobody_reads_is_not_finished_and_what_is_not_of_the_course_neither(
    make_driver: MakeDriver, tmp_path: Path
) -> None:
    (tmp_path / "mine.md").write_text("# Mine")
    mine = blank_scenario("a", lesson="mine.md", name="welcome")
    mine.folder = str(tmp_path)
    for scenario, key in ((load(find("crowd")), "l"), (mine, "down")):
        driver = make_driver(scenario)
        async with driver.app.run_test(size=(120, 40)) as pilot:
            await pilot.press(key)
            script = KernelScript().admit("a").run("a")
            for name in {process.name for process in scenario.processes} - {"a"}:
                script.admit(name).exit(name)
            await driver.feed(pilot, script.exit("a"))
            assert driver.app.session.finished
            assert finished() == frozenset()


def test_the_list_shows_it() -> None:
    finish("memory")
    listed = json.loads(ossandbox("lessons", "--json").stdout)
    assert {each["name"]: each["finished"] for each in listed} == {
        lesson.name: lesson.name == "memory" for lesson in lessons()
    }
    marked = [line for line in ossandbox("lessons").stdout.splitlines() if "✔" in line]
    assert len(marked) == 1
    assert "memory" in marked[0]


def test_the_course_goes_on() -> None:
    names = [lesson.name for lesson in lessons()]
    assert [after(name, ()) for name in names] == [*names[1:], None]
    assert after("mine", ()) == names[0]
    assert after("mine", names[:3]) == names[3]
    assert after("mine", names) is None


def test_whatever_the_file_holds_nothing_is_lost() -> None:
    path = progress_file()
    assert finished() == frozenset()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"welcome\n\xff\xfe\x00rubbish\nmem")
    finish("memory")
    finish("states")
    finish("states")
    assert {"welcome", "memory", "states"} <= finished()
    assert path.read_bytes().count(b"states") == 1
    path.write_bytes(os.urandom(200_000))
    finished()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    finish("memory")
    assert finished() == frozenset()


def test_where_there_is_no_place_for_it_nothing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    finish("memory")
    assert finished() == frozenset()
    progress = tmp_path / "state" / "ossandbox" / "finished"
    progress.mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    finish("memory")
    assert finished() == frozenset()
