"""Draws ``screenshots/*.svg`` from scripted runs on real processes: ``make screenshots``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from sandbox.export import svg
from sandbox.export.material import gather
from sandbox.i18n import LANGUAGES, use
from sandbox.lessons.text import title
from sandbox.link.client import KernelProcess
from sandbox.model.spec import Boot, Scenario
from sandbox.scenario import find, load, recording_of
from sandbox.trace.load import Recording
from sandbox.tui.app import SandboxApp
from sandbox.tui.config import Config
from sandbox.tui.state.live import Live

FOLDER = Path(__file__).parents[2] / "screenshots"
Script = Callable[[Pilot[int]], Awaitable[None]]


def start(scenario: Scenario) -> KernelProcess:
    return KernelProcess(Boot(scenario, stay=True, attended=True))


async def draw(
    name: str,
    scenario: str,
    script: Script,
    size: tuple[int, int] = (120, 40),
    theme: str = "dark",
    language: str = "en",
) -> None:
    if name not in (sys.argv[1:] or [name]):
        return
    use(language)
    session = Live(load(find(scenario)), start)
    app = SandboxApp(session, Config(theme))
    app.animation_level = "none"
    try:
        async with app.run_test(size=size) as pilot:
            await script(pilot)
            await pilot.pause(0.2)
            app.frame()
            await pilot.pause()
            picture = FOLDER / (f"{name}.svg" if language == "en" else f"{name}.{language}.svg")
            picture.write_text(app.export_screenshot(title=f"ossandbox {scenario}"))
    finally:
        app.session.end()
    print(f"screenshots/{picture.name}")


def until(seconds: float, *keys: str) -> Script:
    """Let the machine's clock come so far, then press these keys."""

    async def script(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, SandboxApp)
        async with asyncio.timeout(30):
            while app.session.view.now_ns < seconds * 1e9:
                if app.session.view.board.paused:  # by the lesson, which asks something
                    await pilot.press("space")
                await pilot.pause(0.1)
        for key in keys:
            if key == "…":  # something takes its time
                await pilot.pause(4)
            else:
                await pilot.press(key)
                await pilot.pause(0.25)

    return script


def move(lesson: str, language: str) -> None:
    """A moving picture of the run whose recording comes with a lesson."""
    use(language)
    picture = FOLDER / ("moving.svg" if language == "en" else f"moving.{language}.svg")
    recording = recording_of(lesson)
    assert recording is not None
    read = Recording(str(recording))
    material = gather(read.header, read.events())
    material.header.scenario.title = title(load(find(lesson)))
    with picture.open("w", encoding="utf-8") as file:
        svg.write(material, file, moving=True)
    print(f"screenshots/{picture.name}")


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for language in LANGUAGES if len(sys.argv) == 1 else ():
        move("states", language)
    for language in LANGUAGES:
        await draw("welcome", "welcome", until(1.9, "down"), language=language)
        await draw("multiprogramming", "multiprogramming", until(0.9, "space"), language=language)
        await draw("sockets", "server", until(1.5, "2", "c", "h"), language=language)
        await draw("states", "states", until(0.5, "space"), language=language)
    await draw("convoy-light", "convoy", until(0.6), theme="light")
    await draw("inspect", "welcome", until(0.3, "…", "enter"))  # its lesson pauses where editor asks, and chooses it
    await draw("policies", "convoy", until(0.3, "p"))
    await draw("queues", "welcome", until(0.2, "p", "down", "down", "enter", "4", "enter"))
    await draw("compare", "convoy", until(0.3, "5", "enter", "…"))
    await draw("small", "welcome", until(1.5, "space"), size=(80, 24))
    await draw("crowd", "crowd", until(1.5))
    await draw("console", "welcome", until(1.5, "3"))
    await draw("memory", "memory", until(0.3, "6"))
    await draw("quadrants", "quadrants", until(0.3))


if __name__ == "__main__":
    asyncio.run(main())
