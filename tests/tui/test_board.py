"""The board shows what the events say, where the eye looks for it."""

from __future__ import annotations

import re

import msgspec
import pytest
from textual.widgets import Markdown

from sandbox.model.events import Admitted
from sandbox.tui.screens.board import BoardScreen
from sandbox.util.units import S
from tests.support.app import MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript, every_state


async def test_everybody_stands_in_the_column_of_his_state(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        assert [line.split()[:3] for line in driver.panel("ready")[:3]] == [["3", "R", "disk"], ["2", "R", "pi"], []]
        assert driver.panel("running")[0].split() == ["cpu0", "1", "▶", "prime"]
        assert driver.panel("blocked")[0].split() == ["4", "B", "editor", "read", "console"]
        assert driver.panel("done")[0].split() == ["5", "✘", "shell", "exit", "3"]
        assert [title for title in ("READY 2", "RUNNING 1", "BLOCKED 1", "DONE 1") if title not in driver.text] == []


async def test_figures_of_the_running_process_go_on_between_events(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        assert "20/50 ms" in driver.panel("running")[2]
        assert "120/2000 ms" in driver.panel("running")[3]
        driver.clock.now_ns += 10_000_000
        await driver.settle(pilot)
        assert "30/50 ms" in driver.panel("running")[2]
        assert "130/2000 ms" in driver.panel("running")[3]
        driver.clock.now_ns += 500_000_000  # an event is late: a slice is never longer than it was granted
        await driver.settle(pilot)
        assert "50/50 ms" in driver.panel("running")[2]


async def test_the_status_line_tells_phase_time_policy_and_load(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        said = " ".join(driver.panel("status")[0].split())
        assert said == "ossandbox test ▶ RUNNING t 0.243 s rr quantum 50 ms undispatched 0 ms CPU ▇▇▇▇▇▇▇▇▇▇ 100%"


async def test_before_boot_it_says_so_and_waits_for_nothing(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.settle(pilot)
        assert "BOOTING" in driver.panel("status")[0]


async def test_until_the_first_are_born_it_does_not_say_that_it_runs(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("a"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        assert "BOOTING" in driver.panel("status")[0]
        await driver.feed(pilot, KernelScript().admit("a"))
        assert "RUNNING" in driver.panel("status")[0]


async def test_an_empty_board_says_what_to_do(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        assert "EMPTY" in driver.panel("status")[0]
        assert "n starts a program of yours, o opens a scenario." in driver.text


async def test_a_machine_that_waits_for_the_first_arrival_is_not_empty(make_driver: MakeDriver) -> None:
    scenario = blank_scenario("late")
    scenario.processes[0].arrive_ns = 10**9
    driver = make_driver(scenario)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        assert "RUNNING" in driver.panel("status")[0]
        assert "starts a program of yours" not in driver.text


async def test_not_finished_while_somebody_is_still_to_arrive(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("first", "second"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("first", "10ms").run("first").later("10ms").exit("first")
        await driver.feed(pilot, script)
        assert "RUNNING" in driver.panel("status")[0]
        await driver.feed(pilot, script.later("90ms").admit("second").run("second").later("5ms").exit("second"))
        assert "FINISHED" in driver.panel("status")[0]


async def test_finished_without_the_one_that_could_not_be_started(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("good", "bad"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().fault("could not be started", name="bad", reason="no such file")
        await driver.feed(pilot, script.admit("good", "10ms").run("good").later("10ms").exit("good"))
        assert "FINISHED" in driver.panel("status")[0]
        assert driver.toasts() == ["bad could not be started: no such file"]


async def test_the_end_is_summed_up(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "100ms").admit("b", "100ms")
        script.run("a").later("100ms").exit("a").run("b").later("100ms").exit("b")
        await driver.feed(pilot, script)
        said = " ".join(driver.panel("why")).split()
        assert " ".join(said) == (
            "All 2 processes are done after 200 ms; CPU in use 100% of it, 2 context switches. "
            "Mean turnaround 150 ms, waiting 50 ms, response 50 ms."
        )
        assert "RESULT" in driver.text
        assert "r runs it again   o opens another" in driver.text


async def test_a_thousand_processes_scroll_and_say_how_many_are_out_of_sight(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        for number in range(1000):
            script.admit(f"process-{number}")
        await driver.feed(pilot, script)
        height = driver.app.board_screen.query_one("#ready").content_size.height
        assert "READY 1000" in driver.text
        assert driver.panel("ready")[-1] == f"↓ {1000 - (height - 1)} more"
        assert driver.panel("timeline")[-2].startswith("↓ ")


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
async def test_no_line_is_wider_or_narrower_than_the_terminal(make_driver: MakeDriver, columns: int) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(columns, 24)) as pilot:
        await driver.feed(pilot, every_state())
        for strip in driver.app.screen._compositor.render_strips():
            assert strip.cell_length == columns


async def test_wide_characters_keep_the_columns_aligned(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("編譯器很長的名字啊真長").admit("ほげ").admit("x")
        await driver.feed(pilot, script.run("編譯器很長的名字啊真長").later("5ms"))
        for widget in ("ready", "running", "timeline"):
            panel = driver.app.board_screen.query_one(f"#{widget}")
            for y in range(panel.content_size.height):
                assert panel.render_line(y).cell_length == panel.content_size.width


HOSTILE = ("[/]", "[@click=app.quit]x[/]", "[red]r", "$x", "[")


async def test_markup_in_names_causes_and_output_is_shown_as_it_is(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario(*HOSTILE, name="[b]", title="[red]title"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        for name in HOSTILE:
            script.admit(name, runs=name)
        await driver.feed(pilot, script.run("[/]").later("5ms").block("[/]", "waiting", at="[/red]"))
        for name in HOSTILE:
            assert any(name[:5] in line for line in driver.panel("timeline"))
        assert "waiting [/red]" in driver.text
        script.write("[/]", "[blink]out[/]").fault("could not be started", name="[/x]", reason="[b]")
        await driver.feed(pilot, script)
        assert driver.toasts() == ["[/x] could not be started: [b]"]
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "Process 1: [/]" in driver.text
        assert "[blink]out[/]" in driver.text


async def test_no_colour_where_none_is_wanted(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("NO_COLOR", "1")
    driver = make_driver()
    assert os.environ["NO_COLOR"] == "1"  # the processes shall see it, too
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.press("down")
        await driver.settle(pilot)
        for strip in driver.app.screen._compositor.render_strips():
            for _, style, _ in strip:
                for color in (style.color, style.bgcolor) if style else ():
                    triplet = color.triplet if color else None
                    assert triplet is None or triplet.red == triplet.green == triplet.blue, f"{color}"


async def test_the_lesson_is_shown_harmless_and_with_its_figures(make_driver: MakeDriver, tmp_path: object) -> None:
    from pathlib import Path

    (Path(str(tmp_path)) / "lesson.md").write_text("# Title\n\n\x1b[2J[red]used[/]: {utilisation}\n")
    scenario = blank_scenario("a", lesson="lesson.md")
    scenario.folder = str(tmp_path)
    driver = make_driver(scenario)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a", "10ms").run("a")
        await driver.feed(pilot, script)
        await until(lambda: "[red]used[/]: –" in driver.text, pilot)  # of no time at all there is no share
        await driver.feed(pilot, script.later("5ms").block("a").later("5ms").wake("a"))
        driver.clock.now_ns += S
        await until(lambda: "[red]used[/]: 50%" in driver.text, pilot)  # the figure is live
        await driver.feed(pilot, script.run("a").later("10ms").exit("a"))
        await until(lambda: "[red]used[/]: 75%" in driver.text, pilot)
        assert "\x1b" not in driver.app.board_screen.query_one(Markdown).source


async def test_a_lesson_that_cannot_be_read_is_told_so(make_driver: MakeDriver, tmp_path: object) -> None:
    scenario = blank_scenario("a", lesson="gone.md")
    scenario.folder = str(tmp_path)
    driver = make_driver(scenario)
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript().admit("a").run("a"))
        await until(lambda: "cannot be read" in driver.text, pilot)


async def test_a_sentence_stays_long_enough_to_be_read(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("a").admit("b").run("a").later("10ms").expire("a").run("b")
        await driver.feed(pilot, script)
        first = driver.panel("why")[0]
        assert "rr chooses b" in first
        await driver.feed(pilot, script.later("10ms").expire("b").run("a"))
        assert driver.panel("why")[0] == first
        await driver.feed(pilot, script.later("900ms").expire("a").run("b"))
        assert driver.panel("why")[0] != first
        await driver.feed(pilot, script.later("1ms").pause())  # but what a person did is told at once
        assert "The machine pauses. b was running" in driver.panel("why")[0]


async def test_paused_is_unmistakable(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        border = driver.app.board_screen.query_one("#ready").styles.border_top[1]
        await driver.feed(pilot, script.pause())
        assert "‖ PAUSED" in driver.panel("status")[0]
        assert driver.panel("running")[0].split() == ["cpu0", "‖", "paused"]
        assert driver.app.board_screen.query_one("#ready").styles.border_top[1] != border
        assert driver.panel("keys")[0].split()[:3] == ["space", "go", "on"]


async def test_the_clock_of_a_pause_stands_still_and_goes_on_where_it_stopped(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script.pause())
        driver.clock.now_ns += 7_000_000_000
        await driver.settle(pilot)
        assert "t 0.243 s" in driver.panel("status")[0]
        driver.link.feed(script.operator("resumed").run("prime").take())
        await driver.settle(pilot)
        driver.clock.now_ns += 10_000_000
        await driver.settle(pilot)
        assert "t 0.253 s" in driver.panel("status")[0]


def test_the_board_screen_needs_no_focus() -> None:
    assert BoardScreen.AUTO_FOCUS == ""


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_processes_of_one_name_are_told_apart(make_driver: MakeDriver, size: tuple[int, int]) -> None:
    """The same names stand on the board, in the lanes, in the reasons and in the steps of lessons."""
    driver = make_driver()
    async with driver.app.run_test(size=size) as pilot:
        script = KernelScript().admit("ordered").run("ordered")
        for name in ("first", "second"):
            script.admit(name, parent="ordered")
            place = next(
                at for at, event in enumerate(script.events) if isinstance(event, Admitted) and event.name == name
            )
            script.events[place] = msgspec.structs.replace(script.events[place], name="ordered")
        await driver.feed(pilot, script.block("ordered", "wait for child", child=2))
        for number in (1, 2):
            assert re.search(rf"{number + 1} R ord\S+/{number} ", driver.text), "a name that is cut keeps its number"
            assert f"└ /{number}" in driver.text
