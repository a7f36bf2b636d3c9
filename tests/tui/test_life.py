"""The app's life: it begins, is told of faults, loses its kernel process, begins again, and leaves nothing."""

from __future__ import annotations

import pytest
from textual.events import Resize
from textual.geometry import Size

from sandbox.model.commands import Pause
from sandbox.model.events import Clause, Fault, Halted
from sandbox.model.states import IllegalTransition
from sandbox.tui.app import run_app
from sandbox.tui.config import Config
from sandbox.tui.state.live import Live
from tests.support.app import AppDriver, MakeDriver, blank_scenario, until
from tests.support.kernel_script import KernelScript


def one() -> KernelScript:
    return KernelScript().admit("a", "1s").run("a").later("10ms")


async def test_it_says_that_it_is_still_there(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, one())
        await until(lambda: driver.link.beats >= 2, pilot)


async def test_restart_ends_what_runs_and_forgets_it(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, one())
        first = driver.link
        await pilot.press("down", "r")
        await until(lambda: len(driver.links) == 2, pilot)
        assert first.ended
        assert driver.app.board_screen.chosen is None
        await driver.settle(pilot)
        assert "BOOTING" in driver.panel("status")[0]
        assert driver.panel("why") == ["", ""]
        await driver.feed(pilot, KernelScript().admit("b").run("b"))
        assert driver.panel("running")[0].split()[-1] == "b"
        assert "t 0.000 s" in driver.panel("status")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "it was killed"),
        ("Traceback …\nMemoryError: [no] room", "MemoryError: [no] room"),
    ],
)
async def test_a_dead_kernel_process_is_told_of_and_a_new_one_offered(
    make_driver: MakeDriver, words: str, said: str
) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, one())
        first = driver.link
        first.die(words)
        await until(lambda: "The kernel is gone" in driver.text, pilot)
        told = f"The kernel process died ({said}); everything that it ran has been ended."
        assert told in " ".join(driver.text.replace("│", " ").split())
        assert first.ended, "it is swept up"
        await pilot.press("enter")
        await until(lambda: len(driver.links) == 2, pilot)
        await driver.feed(pilot, one())
        assert "▶ RUNNING" in driver.panel("status")[0]


async def test_after_its_death_keys_say_what_to_do(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, one())
        driver.link.die()
        await until(lambda: "The kernel is gone" in driver.text, pilot)
        await pilot.press("escape")
        await driver.settle(pilot)
        assert "✘ KERNEL DIED" in driver.panel("status")[0]
        shown = driver.panel("status")[0]
        driver.clock.now_ns += 5_000_000_000
        await driver.settle(pilot)
        assert driver.panel("status")[0] == shown, "its clock stands still"
        await pilot.press("space")
        assert driver.toasts() == ["The kernel process is gone. r starts the scenario again."]
        assert Pause() not in driver.sent
        await pilot.press("r")
        await until(lambda: len(driver.links) == 2, pilot)


async def test_a_machine_that_halted_is_no_death(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = one()
        await driver.feed(pilot, script)
        script.events.append(Halted(script.at, Clause("quit")))
        await driver.feed(pilot, script)
        driver.link.die()
        await until(lambda: driver.link.closed, pilot)
        await driver.settle(pilot)
        assert "■ HALTED" in driver.panel("status")[0]
        assert len(driver.app.screen_stack) == 1


async def test_faults_are_told_over_the_board_and_explained(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = one().fault("continued by somebody else").fault("no such process", who="[x]")
        await driver.feed(pilot, script)
        assert driver.toasts() == [
            "somebody else continued it; it was stopped again",
            "there is no process [x]",
        ]
        assert "there is no process [x]." in " ".join(driver.panel("why"))


async def test_many_faults_do_not_bury_the_board(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = one().admit("pi").admit("disk")
        late = [Fault(script.at, Clause("stop not confirmed"), pid) for pid in (1, 2, 2, 3)]
        script.events += [*late, *[Fault(script.at, Clause("handles SIGCONT", {"name": "sh"}))] * 2]
        await driver.feed(pilot, script)
        first, second = driver.toasts()
        assert first.endswith("nobody waits for that. The same is true of pi, disk")
        assert second.endswith("(2 times)")
        driver.app.clear_notifications()
        for number in range(50):
            script.fault("no such process", who=str(number))
        await driver.feed(pilot, script)
        assert len(driver.toasts()) == 3


async def test_a_kernel_process_that_cannot_be_started(
    make_driver: MakeDriver, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(_: object) -> AppDriver:
        raise OSError(11, "Resource temporarily unavailable")

    driver = make_driver()
    driver.app.session = Live(blank_scenario(), start, driver.clock)  # type: ignore[arg-type]
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
    assert driver.app.return_value == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said == "ossandbox: the kernel process cannot be started: Resource temporarily unavailable"


async def test_events_that_cannot_have_happened_end_the_app_with_their_traceback(make_driver: MakeDriver) -> None:
    """A bug must be seen. Nothing of it may hang, and nothing be left."""
    driver = make_driver()

    async def run() -> None:
        async with driver.app.run_test(size=(120, 40)) as pilot:
            script = one()
            await driver.feed(pilot, script)
            driver.link.feed(script.run("a").take())  # it runs already
            await until(lambda: driver.app.return_code == 1, pilot)

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
        run_app(Ended(blank_scenario(), lambda _: None), Config())  # type: ignore[arg-type,return-value]
    assert ended == [True]


async def test_moved_keys_do_what_they_say_everywhere(make_driver: MakeDriver) -> None:
    driver = make_driver(config=Config("dark", {"pause": "x", "new": "f5,ctrl+n", "restart": "left_curly_bracket"}))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, KernelScript())
        assert "f5 starts a program of yours" in driver.text
        script = KernelScript().admit("a").run("a").later("1ms")
        await driver.feed(pilot, script)
        await pilot.press("space")
        assert driver.sent == []
        await pilot.press("x")
        assert driver.sent == [Pause()]
        assert driver.panel("keys")[0].split()[:2] == ["x", "pause"]
        await driver.feed(pilot, script.exit("a"))
        assert "{ runs it again" in driver.text
        await pilot.press("x")
        assert driver.toasts()[-1] == "Everything has ended: there is nothing to pause"
        await pilot.press("question_mark")
        await pilot.pause()
        assert "f5 ctrl+n New process" in " ".join(driver.text.split())


@pytest.mark.parametrize("key", ["1", "question_mark", "ctrl+p"])
async def test_a_size_that_is_no_more_changes_nothing(make_driver: MakeDriver, key: str) -> None:
    """While the edge of a window is dragged, on a busy machine."""
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.open(pilot, key, one())
        screen = driver.app.screen
        before = driver.lines, screen.size, screen.classes
        screen.post_message(Resize(Size(40, 10), Size(40, 10)))
        await driver.settle(pilot)
        assert (driver.lines, screen.size, screen.classes) == before
