"""The app's life: it begins, is told of faults, loses its kernel process, begins again, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model.commands import Pause
from sandbox.model.events import Clause, Halted
from sandbox.model.states import IllegalTransition
from sandbox.tui.app import run_app
from sandbox.tui.config import Config
from sandbox.tui.state.live import Live
from tests.support.app import Play, until, world
from tests.support.kernel_script import Story

Stage = Callable[..., Play]


def one() -> Story:
    return Story().admit("a", "1s").run("a").later("10ms")


async def test_it_says_that_it_is_still_there(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, one())
        await until(lambda: it.link.beats >= 2, pilot)


async def test_restart_ends_what_runs_and_forgets_it(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, one())
        first = it.link
        await pilot.press("down", "r")
        await until(lambda: len(it.links) == 2, pilot)
        assert first.ended
        assert it.app.board_screen.chosen is None
        await it.settle(pilot)
        assert "BOOTING" in it.panel("status")[0]
        assert it.panel("why") == ["", ""]
        await it.tell(pilot, Story().admit("b").run("b"))
        assert it.panel("running")[0].split()[-1] == "b"
        assert "t 0.000 s" in it.panel("status")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "it was killed"),
        ("Traceback …\nMemoryError: [no] room", "MemoryError: [no] room"),
    ],
)
async def test_a_dead_kernel_process_is_told_of_and_a_new_one_offered(stage: Stage, words: str, said: str) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, one())
        first = it.link
        first.die(words)
        await until(lambda: "The kernel is gone" in it.text, pilot)
        told = f"The kernel process died ({said}); everything that it ran has been ended."
        assert told in " ".join(it.text.replace("│", " ").split())
        assert first.ended, "it is swept up"
        await pilot.press("enter")
        await until(lambda: len(it.links) == 2, pilot)
        await it.tell(pilot, one())
        assert "▶ RUNNING" in it.panel("status")[0]


async def test_after_its_death_keys_say_what_to_do(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, one())
        it.link.die()
        await until(lambda: "The kernel is gone" in it.text, pilot)
        await pilot.press("escape")
        await it.settle(pilot)
        assert "✘ KERNEL DIED" in it.panel("status")[0]
        shown = it.panel("status")[0]
        it.clock.now_ns += 5_000_000_000
        await it.settle(pilot)
        assert it.panel("status")[0] == shown, "its clock stands still"
        await pilot.press("space")
        assert it.toasts() == ["The kernel process is gone. r starts the scenario again."]
        assert Pause() not in it.sent
        await pilot.press("r")
        await until(lambda: len(it.links) == 2, pilot)


async def test_a_machine_that_halted_is_no_death(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = one()
        await it.tell(pilot, story)
        story.events.append(Halted(story.at, Clause("quit")))
        await it.tell(pilot, story)
        it.link.die()
        await until(lambda: it.link.closed, pilot)
        await it.settle(pilot)
        assert "■ HALTED" in it.panel("status")[0]
        assert len(it.app.screen_stack) == 1


async def test_faults_are_told_over_the_board_and_explained(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = one().fault("continued by somebody else").fault("no such process", who="[x]")
        await it.tell(pilot, story)
        assert it.toasts() == [
            "somebody else continued it; it was stopped again",
            "there is no process [x]",
        ]
        assert "there is no process [x]." in " ".join(it.panel("why"))


async def test_many_faults_do_not_bury_the_board(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = one()
        for number in range(50):
            story.fault("no such process", who=str(number))
        await it.tell(pilot, story)
        assert len(it.toasts()) == 3


async def test_a_kernel_process_that_cannot_be_started(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    def start(_: object) -> Play:
        raise OSError(11, "Resource temporarily unavailable")

    it = stage()
    it.app.session = Live(world(), start, it.clock)  # type: ignore[arg-type]
    async with it.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
    assert it.app.return_value == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said == "ossandbox: the kernel process cannot be started: Resource temporarily unavailable"


async def test_events_that_cannot_have_happened_end_the_app_with_their_traceback(stage: Stage) -> None:
    """A bug must be seen. Nothing of it may hang, and nothing be left."""
    it = stage()

    async def run() -> None:
        async with it.app.run_test(size=(120, 40)) as pilot:
            story = one()
            await it.tell(pilot, story)
            it.link.feed(story.run("a").take())  # it runs already
            await until(lambda: it.app.return_code == 1, pilot)

    with pytest.raises(IllegalTransition, match="RUNNING → RUNNING"):
        await run()


def test_whatever_ends_the_app_the_kernel_process_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []

    class Ended(Live):
        def end(self) -> None:
            ended.append(True)

    def run(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sandbox.tui.app.SandboxApp.run", run)
    with pytest.raises(KeyboardInterrupt):
        run_app(Ended(world(), lambda _: None), Config())  # type: ignore[arg-type,return-value]
    assert ended == [True]


async def test_moved_keys_do_what_they_say_everywhere(stage: Stage) -> None:
    it = stage(config=Config("dark", {"pause": "x", "new": "f5,ctrl+n", "restart": "left_curly_bracket"}))
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story())
        assert "f5 starts a program of yours" in it.text
        await it.tell(pilot, Story().admit("a").run("a").later("1ms").exit("a"))
        assert "{ runs it again" in it.text
        await pilot.press("space")
        assert it.sent == []
        await pilot.press("x")
        assert it.sent == [Pause()]
        assert it.panel("keys")[0].split()[:2] == ["x", "pause"]
        await pilot.press("question_mark")
        await pilot.pause()
        assert "f5 ctrl+n New process" in " ".join(it.text.split())
