"""The board shows what the events say, where the eye looks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Markdown

from sandbox.tui.screens.board import BoardScreen
from tests.support.app import Play, world
from tests.support.kernel_script import Story, shift_change

Stage = Callable[..., Play]


async def test_everybody_stands_in_the_column_of_his_state(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        assert [line.split()[:3] for line in it.panel("ready")[:3]] == [["3", "R", "disk"], ["2", "R", "pi"], []]
        assert it.panel("running")[0].split() == ["cpu0", "1", "▶", "prime"]
        assert it.panel("blocked")[0].split() == ["4", "B", "editor", "read", "console"]
        assert it.panel("done")[0].split() == ["5", "✘", "shell", "exit", "3"]
        assert [title for title in ("READY 2", "RUNNING 1", "BLOCKED 1", "DONE 1") if title not in it.text] == []


async def test_figures_of_the_running_process_go_on_between_events(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        assert "20/50 ms" in it.panel("running")[2]
        assert "120/2000 ms" in it.panel("running")[3]
        it.clock.now_ns += 10_000_000
        await it.settle(pilot)
        assert "30/50 ms" in it.panel("running")[2]
        assert "130/2000 ms" in it.panel("running")[3]
        it.clock.now_ns += 500_000_000  # an event is late: a slice is never longer than it was granted
        await it.settle(pilot)
        assert "50/50 ms" in it.panel("running")[2]


async def test_the_status_line_tells_phase_time_policy_and_load(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        said = " ".join(it.panel("status")[0].split())
        assert said == "ossandbox test ▶ RUNNING t 0.243 s rr quantum 50 ms undispatched 0 ms CPU ▇▇▇▇▇▇▇▇▇▇ 100%"


async def test_before_boot_it_says_so_and_waits_for_nothing(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.settle(pilot)
        assert "BOOTING" in it.panel("status")[0]


async def test_an_empty_board_says_what_to_do(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story())
        assert "EMPTY" in it.panel("status")[0]
        assert "n starts a program of yours, o opens a scenario." in it.text


async def test_a_machine_that_waits_for_the_first_arrival_is_not_empty(stage: Stage) -> None:
    it = stage(world("late"))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story())
        assert "RUNNING" in it.panel("status")[0]
        assert "starts a program of yours" not in it.text


async def test_not_finished_while_somebody_is_still_to_arrive(stage: Stage) -> None:
    it = stage(world("first", "second"))
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("first", "10ms").run("first").later("10ms").exit("first")
        await it.tell(pilot, story)
        assert "RUNNING" in it.panel("status")[0]
        await it.tell(pilot, story.later("90ms").admit("second").run("second").later("5ms").exit("second"))
        assert "FINISHED" in it.panel("status")[0]


async def test_finished_without_the_one_that_could_not_be_started(stage: Stage) -> None:
    it = stage(world("good", "bad"))
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().fault("could not be started", name="bad", reason="no such file")
        await it.tell(pilot, story.admit("good", "10ms").run("good").later("10ms").exit("good"))
        assert "FINISHED" in it.panel("status")[0]
        assert it.toasts() == ["bad could not be started: no such file"]


async def test_the_end_is_summed_up(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a", "100ms").admit("b", "100ms")
        story.run("a").later("100ms").exit("a").run("b").later("100ms").exit("b")
        await it.tell(pilot, story)
        said = " ".join(it.panel("why")).split()
        assert " ".join(said) == (
            "All 2 processes are done after 200 ms; CPU in use 100% of it, 2 context switches. "
            "Mean turnaround 150 ms, waiting 50 ms, response 50 ms."
        )
        assert "RESULT" in it.text
        assert "r runs it again   o opens another" in it.text


async def test_a_thousand_processes_scroll_and_say_how_many_are_out_of_sight(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story()
        for number in range(1000):
            story.admit(f"process-{number}")
        await it.tell(pilot, story)
        height = it.app.board_screen.query_one("#ready").content_size.height
        assert "READY 1000" in it.text
        assert it.panel("ready")[-1] == f"↓ {1000 - (height - 1)} more"
        assert it.panel("timeline")[-2].startswith("↓ ")


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
async def test_no_line_is_wider_or_narrower_than_the_terminal(stage: Stage, columns: int) -> None:
    it = stage()
    async with it.app.run_test(size=(columns, 24)) as pilot:
        await it.tell(pilot, shift_change())
        for strip in it.app.screen._compositor.render_strips():
            assert strip.cell_length == columns


async def test_wide_characters_keep_the_columns_aligned(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("編譯器很長的名字啊真長").admit("ほげ").admit("x")
        await it.tell(pilot, story.run("編譯器很長的名字啊真長").later("5ms"))
        for widget in ("ready", "running", "timeline"):
            panel = it.app.board_screen.query_one(f"#{widget}")
            for y in range(panel.content_size.height):
                assert panel.render_line(y).cell_length == panel.content_size.width


HOSTILE = ("[/]", "[@click=app.quit]x[/]", "[red]r", "$x", "[")


async def test_markup_in_names_causes_and_output_is_shown_as_it_is(stage: Stage) -> None:
    it = stage(world(*HOSTILE, name="[b]", title="[red]title"))
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story()
        for name in HOSTILE:
            story.admit(name, runs=name)
        await it.tell(pilot, story.run("[/]").later("5ms").block("[/]", "waiting", at="[/red]"))
        for name in HOSTILE:
            assert any(name[:5] in line for line in it.panel("timeline"))
        assert "waiting [/red]" in it.text
        story.write("[/]", "[blink]out[/]").fault("could not be started", name="[/x]", reason="[b]")
        await it.tell(pilot, story)
        assert it.toasts() == ["[/x] could not be started: [b]"]
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "Process 1: [/]" in it.text
        assert "[blink]out[/]" in it.text


async def test_no_colour_where_none_is_wanted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("NO_COLOR", "1")
    it = stage()
    assert os.environ["NO_COLOR"] == "1"  # the processes shall see it, too
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        await pilot.press("down")
        await it.settle(pilot)
        for strip in it.app.screen._compositor.render_strips():
            for _, style, _ in strip:
                for color in (style.color, style.bgcolor) if style else ():
                    triplet = color.triplet if color else None
                    assert triplet is None or triplet.red == triplet.green == triplet.blue, f"{color}"


async def test_the_lesson_is_shown_harmless_and_with_its_figures(stage: Stage, tmp_path: object) -> None:
    from pathlib import Path

    (Path(str(tmp_path)) / "lesson.md").write_text("# Title\n\n\x1b[2J[red]used[/]: {utilisation}\n")
    scenario = world("a", lesson="lesson.md")
    scenario.folder = str(tmp_path)
    it = stage(scenario)
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a", "10ms").run("a").later("5ms")
        await it.tell(pilot, story)
        assert "[red]used[/]: …" in it.text
        await it.tell(pilot, story.later("5ms").exit("a"))
        await pilot.pause(0.1)
        assert "[red]used[/]: 100%" in it.text
        assert "\x1b" not in it.app.board_screen.query_one(Markdown).source


async def test_a_lesson_that_cannot_be_read_is_told_so(stage: Stage, tmp_path: object) -> None:
    scenario = world("a", lesson="gone.md")
    scenario.folder = str(tmp_path)
    it = stage(scenario)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story().admit("a").run("a"))
        assert "cannot be read" in it.text


async def test_a_sentence_stays_long_enough_to_be_read(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a").admit("b").run("a").later("10ms").expire("a").run("b")
        await it.tell(pilot, story)
        first = it.panel("why")[0]
        assert "rr chooses b" in first
        await it.tell(pilot, story.later("10ms").expire("b").run("a"))
        assert it.panel("why")[0] == first
        await it.tell(pilot, story.later("900ms").expire("a").run("b"))
        assert it.panel("why")[0] != first
        await it.tell(pilot, story.later("1ms").pause())  # but what a person did is told at once
        assert "The machine pauses. b was running" in it.panel("why")[0]


async def test_paused_is_unmistakable(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = shift_change()
        await it.tell(pilot, story)
        border = it.app.board_screen.query_one("#ready").styles.border_top[1]
        await it.tell(pilot, story.pause())
        assert "‖ PAUSED" in it.panel("status")[0]
        assert it.panel("running")[0].split() == ["cpu0", "‖", "paused"]
        assert it.app.board_screen.query_one("#ready").styles.border_top[1] != border
        assert it.panel("keys")[0].split()[:3] == ["space", "go", "on"]


async def test_the_clock_of_a_pause_stands_still_and_goes_on_where_it_stopped(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = shift_change()
        await it.tell(pilot, story.pause())
        it.clock.now_ns += 7_000_000_000
        await it.settle(pilot)
        assert "t 0.243 s" in it.panel("status")[0]
        it.link.feed(story.operator("resumed").run("prime").take())
        await it.settle(pilot)
        it.clock.now_ns += 10_000_000
        await it.settle(pilot)
        assert "t 0.253 s" in it.panel("status")[0]


def test_the_board_screen_needs_no_focus() -> None:
    assert BoardScreen.AUTO_FOCUS == ""
