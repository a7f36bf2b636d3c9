"""All that the screen says is said in the reader's language: under a catalogue that disguises every message, nothing is
left that reads like English. Processes, policies and files have Greek names here, as nobody translates those."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sandbox import policies
from sandbox.i18n import use
from sandbox.model.commands import Describe
from sandbox.model.events import Clause, Described, ParameterView, Queues, QueueView
from sandbox.model.spec import Scenario
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder
from sandbox.util.units import MS
from tests.support.app import MakeDriver, ReplayDriver, ScreenReader, blank_scenario, until
from tests.support.network_script import AT, PEERS, NetworkScript
from tests.support.queue_script import queued

#: What is the same in every language: units, and names that keys, signals, programs and their parameters have.
THE_SAME = {
    *("ms", "us", "min", "kB", "MB", "MiB", "pid", "cpu", "fd", "AB", "BA"),
    *("esc", "tab", "enter", "space", "shift", "ctrl", "pgdn", "pgup", "pagedown", "pageup", "home", "end"),
    *("left", "right", "up", "down", "TERM", "SIGTERM", "SIGKILL", "SVG", "ossandbox", "whatif", "quantum", "hello"),
    *("toml", "py", "trace", "mine", "Mine", "seq", "sort", "tail", "fcfs", "rr"),
}


class Disguise(NullTranslations):
    """Every message in letters that take two cells, half as many as it has: as wide as it was."""

    def gettext(self, message: str) -> str:
        return re.sub(r"\{[^{}]*\}|[A-Za-z]+", self._disguised, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def _disguised(self, found: re.Match[str]) -> str:
        word = found[0]
        return word if word[0] == "{" else "".join(chr(ord(letter) + 0xFEE0) for letter in word[::2])


@pytest.fixture(autouse=True)
def disguised() -> Iterator[None]:
    use("xx", Disguise())
    yield
    use("en")


def english(text: str) -> list[str]:
    """The words in a text that a catalogue could have."""
    words = re.findall(r"[A-Za-z][A-Za-z']+", text)
    return [word for word in dict.fromkeys(words) if word not in THE_SAME]


def day(policy: str = "π") -> NetworkScript:
    """Somebody in every state, and all that moves a process from one to the other."""
    script = NetworkScript(policy, "50ms")
    script.admit("α", "2s", "α α").admit("β", "1500ms", "β β").admit("γ", "160ms", "γ γ").admit("δ", runs="δ δ")
    script.admit("ε", runs="ε ε").admit("ζ", runs="ζ ζ").admit("σ", runs="σ σ")
    script.run("σ").later("1ms").listen("σ").block("σ", "accept", at=AT).run("α").later("50ms").expire("α")
    script.run("β").later("50ms").expire("β").run("γ").later("8ms").block("γ", for_ns=90 * MS)
    script.run("δ").later("6ms").write("δ", "ω? ").block("δ", "read console")
    script.run("ε").later("9ms").exit("ε", 3).run("ζ").later("1ms").exit("ζ", None, 15)
    script.connect(2, PEERS[0], 1).admit("θ", runs="θ θ", parent="σ").accept(2, "θ").connect(3, PEERS[1], 1)
    script.pass_on(2, 5, 5)
    return script.run("α").later("20ms")


def told() -> list[Described | Queues]:
    """What the policy tells of itself and of its queues."""
    kind = policies.find("mlfq")
    views = [ParameterView("φ", "1", "1 … 2", next(iter(kind.declared())).says)]
    figures = {"level": 0, "slices": 1, "vruntime_ns": 5 * MS}
    top = QueueView(Clause("level", {"level": 0}), 10 * MS, 2, [queued(2, **figures)])
    return [
        Described(0, "π", "π", "π.py", kind.__doc__ or "", views),
        Queues(0, [top, QueueView(Clause("ready queue"), None, 0, [])], [queued(1, **figures)]),
    ]


class Audience:
    """Reads what is on the screen, and what was told over it."""

    def __init__(self, driver: ScreenReader, pilot: Pilot[int]) -> None:
        self.driver, self.pilot = driver, pilot
        self.found: dict[str, list[str]] = {}

    async def see(self, scene: str, *keys: str, leave: str = "") -> None:
        """Press keys, and read; ``leave``: the key that leads back."""
        for key in keys:
            await self.pilot.press(key)
        await self.driver.settle(self.pilot)
        await self.driver.settle(self.pilot)
        placeholders = [each.placeholder for each in self.driver.app.screen.query(Input)]
        if words := english(" ".join([self.driver.text, *self.driver.toasts(), *placeholders])):
            self.found[scene] = words
        self.driver.app.clear_notifications()
        if leave:
            await self.pilot.press(leave)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """A scenario with a lesson; it is one of two that there are, the other has faults."""
    (tmp_path / "λ.md").write_text("# Λ\n\nλ {makespan} λ\n")
    (tmp_path / "π.py").write_text("π = 1\n")
    monkeypatch.chdir(tmp_path)
    good, bad = tmp_path / "α.toml", tmp_path / "β.toml"
    good.write_text('title = "Α"\n[[process]]\nname = "α"\nwork = ["cpu 5ms"]\n')
    bad.write_text('title = "Β"\nχ = 1\n')
    monkeypatch.setattr("sandbox.tui.screens.open.in_order", lambda: [good, bad])
    monkeypatch.setattr("sandbox.policies.names", lambda: ["fcfs", "rr"])
    made = blank_scenario("α", "β", "γ", "δ", "ε", lesson="λ.md", name="σ", title="Σ")
    made.folder = str(tmp_path)
    return made


@pytest.mark.thorough
async def test_nothing_on_the_board_is_english(make_driver: MakeDriver, course: Scenario) -> None:
    driver = make_driver(course)
    async with driver.app.run_test(size=(200, 110)) as pilot:
        audience = Audience(driver, pilot)
        await driver.feed(pilot, day())
        await audience.see("board")
        await until(lambda: "Λ" in driver.text, pilot)
        await audience.see("lesson")
        driver.add_client("κ", PEERS[0])
        await audience.see("sockets", "2")
        await audience.see("burst", "b", "x", "enter", leave="escape")
        await audience.see("console", "3", "enter", leave="escape")
        await pilot.press("4")
        await until(lambda: Describe() in driver.sent, pilot)
        driver.link.feed(told())
        await audience.see("queues", "enter", leave="escape")
        await audience.see("source", "s", leave="escape")
        await audience.see("compare", "5")
        await audience.see("memory", "6")
        await audience.see("states", "7", "down")
        await audience.see("quadrants", "8")
        await audience.see("inspect", "1", "enter", leave="escape")
        await audience.see("inspect one that reads", "down", "down", "down", "enter", leave="escape")
        await audience.see("inspect one that failed", "down", "enter", leave="escape")
        await audience.see("that has ended", "k")
        await audience.see("new", "n", "%", "enter", leave="escape")
        await audience.see("open", "o", "down", "enter", leave="escape")
        await audience.see("policies", "p", "down", leave="escape")
        await audience.see("no such policy", "p", *"ψ", "enter", leave="escape")
        await audience.see("time", "g", "5", "enter", leave="escape")
        await audience.see("record", "w", leave="escape")
        await audience.see("help", "question_mark", leave="escape")
        await audience.see("palette", "ctrl+p", leave="escape")
        assert audience.found == {}, audience.found


async def test_nothing_in_lists_is_english(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("α", "β", name="σ", title="Σ"))
    async with driver.app.run_test(size=(120, 40)) as pilot:
        audience = Audience(driver, pilot)
        await driver.feed(pilot, day())
        await audience.see("sorted", "d", "s", "s", "s", "slash", "α", leave="escape")
        await audience.see("log", "y", "up")
        await audience.see("filtered log", "slash", "ζ", leave="escape")
        await audience.see("save", "W", *"/λ/λ", "enter")
        await audience.see("searched help", "question_mark", "slash", "ζ", leave="escape")
        assert audience.found == {}, audience.found


async def test_nothing_that_is_told_is_english(make_driver: MakeDriver) -> None:
    driver = make_driver(blank_scenario("α", "β", name="σ", title="Σ"))
    async with driver.app.run_test(size=(80, 40)) as pilot:
        audience = Audience(driver, pilot)
        await audience.see("booting")
        await driver.feed(pilot, NetworkScript("π", None))
        await audience.see("empty", "enter", "right_square_bracket", "l", "f")
        await audience.see("sockets", "2", "c", leave="1")
        script = day()
        await driver.feed(pilot, script)
        await audience.see("small board", "down")
        await audience.see("small sockets", "2", leave="1")
        script.operator("policy", policy="π").fault("no such process", who="α")
        await driver.feed(pilot, script.pause())
        await audience.see("paused")
        await audience.see("past", "comma", "m", "comma", "comma", "m")
        await audience.see("nothing comes after", "down", "down", "e")
        await audience.see("not yet born", "home", "k")
        await driver.feed(pilot, script.operator("resumed"))
        for name in ("α", "β", "γ", "δ", "θ", "σ"):
            script.exit(name)
        await driver.feed(pilot, script)
        await audience.see("result", "end")
        driver.link.die()
        await driver.settle(pilot)
        await audience.see("kernel died")
        await audience.see("nobody hears", "escape", "space")
        assert audience.found == {}, audience.found


async def test_nothing_in_a_recording_is_english(course: Scenario) -> None:
    recorder = Recorder(os.path.join(course.folder, "ρ"), describe(course, None))
    recorder.take(day("rr").take())
    recorder.close()
    driver = ReplayDriver(Path(recorder.path))
    async with driver.app.run_test(size=(200, 60)) as pilot:
        audience = Audience(driver, pilot)
        await audience.see("recording", "space", "k", "w")
        await audience.see("its end", "escape", "end", "full_stop")
        await audience.see("what if", "i", "home", "enter", leave="escape")
        assert audience.found == {}, audience.found
