"""The page that plays a recording: what is in it, and what a browser makes of it."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sandbox.model.events import Became, Event
from sandbox.model.spec import Scenario
from sandbox.model.states import State
from sandbox.scenario import find, load
from sandbox.trace.header import describe
from sandbox.trace.record import Recorder
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.wording import why
from tests.support.browser import browser
from tests.support.commands import CommandRunner
from tests.support.files import write_recording
from tests.support.scenarios import process, scenario, simulate

MARKUP = "</script><script>window.stranger = 1</script><b onclick=x>"
WORLD = scenario(
    process("a", "cpu 30ms", "io 20ms", "cpu 10ms"),
    process(MARKUP, "cpu 35ms", arrive="5ms"),
    process("c", "io 15ms", "cpu 20ms"),
    cpus=2,
    quantum_ns=10 * MS,
)
#: In a browser: what the page says of some points in time, and what stands on it after some keys.
ASK = """
<script>
const said = { at: TIMES.map((ns) => window.ossandbox.at(ns)), length: window.ossandbox.length };
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
window.ossandbox.seek(0);
press("."); press(".");
said.clock = document.getElementById("clock").textContent;
said.running = document.getElementById("column-running").textContent;
press("Home"); press(" ");
said.playing = document.getElementById("play").textContent;
window.ossandbox.pause();
document.querySelector("#languages button[lang=zh]").click();
said.chinese = document.getElementById("column-ready").textContent + document.documentElement.lang;
said.speed = Number(document.getElementById("speed").value);
said.stranger = window.stranger === undefined;
said.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.title = JSON.stringify(said);
</script></body>
"""


def page_of(ossandbox: CommandRunner, folder: Path, world: Scenario = WORLD) -> tuple[str, list[Event]]:
    """The page of a run in virtual time, and the run's events. On the way its first process executes a program."""
    events = simulate(world)
    when = len(events) // 2
    events.insert(when, Became(events[when].t_ns, 1, "executed", "/bin/executed"))
    done = ossandbox("export", str(write_recording(folder / "it", world, events)), "--to", "html")
    assert done.status == 0, done.err
    return done.out, events


def played(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="run">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def folded(events: list[Event], ns: int) -> Board:
    board = Board()
    for event in events:
        if event.t_ns <= ns:
            board.apply(event)
    return board


def states(board: Board) -> dict[str, str]:
    return {row.name: "done" if row.state is State.EXITED else row.state.value for row in board.rows.values()}


def asked_in_browser(page: str, folder: Path, times: list[int], size: str = "1366,768") -> Any:
    file = folder / "page.html"
    file.write_text(page.replace("</body>", ASK.replace("TIMES", json.dumps(times))), encoding="utf-8")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = ["chromium", *options, f"--window-size={size}", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-2_000:]
    return json.loads(unescape(found[1]))


def test_it_fetches_nothing_and_text_is_never_markup(ossandbox: CommandRunner, tmp_path: Path) -> None:
    page, _events = page_of(ossandbox, tmp_path)
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert page.count("<script") == 2
    assert "onclick=x" not in page.replace("\\u003cb onclick=x\\u003e", "")
    assert MARKUP in [process["name"] for process in played(page)["processes"]]


def test_each_change_is_the_boards(ossandbox: CommandRunner, tmp_path: Path) -> None:
    page, events = page_of(ossandbox, tmp_path)
    run = played(page)
    assert run["schema"] == "ossandbox/page/1"
    for ns in {event.t_ns for event in events}:
        board = folded(events, ns)
        called = {each["pid"]: [name for since, name in each["names"] if since <= ns][-1:] for each in run["processes"]}
        last = {
            called[each["pid"]][0]: [change for change in each["changes"] if change[0] <= ns][-1]
            for each in run["processes"]
            if each["changes"][0][0] <= ns
        }
        assert {name: run["states"][change[1]] for name, change in last.items()} == states(board)
        ready = sorted((change[4], name) for name, change in last.items() if run["states"][change[1]] == "ready")
        assert [name for _place, name in ready] == [board.rows[pid].name for pid in board.ready]


def test_a_lesson_of_four_seconds_is_small_and_has_its_text(ossandbox: CommandRunner, tmp_path: Path) -> None:
    page, _events = page_of(ossandbox, tmp_path, load(find("convoy")))
    assert len(page.encode()) < 400_000
    assert {"en", "zh"} == set(played(page)["lesson"])
    assert "<h1>" in played(page)["lesson"]["en"]
    assert "…" not in played(page)["lesson"]["en"], "figures are those of this run"


def test_the_lesson_of_a_recording_from_another_computer_is_the_one_here(
    ossandbox: CommandRunner, tmp_path: Path
) -> None:
    convoy = load(find("convoy"))
    file = tmp_path / "convoy.toml"
    file.write_text(find("convoy").read_text())
    Recorder(str(tmp_path / "it"), describe(replace(convoy, folder="/elsewhere"), str(file))).take(simulate(convoy))
    assert "<h1>" in played(ossandbox("export", str(tmp_path / "it"), "--to", "html").out)["lesson"]["en"]
    file.write_text("title = 'another one'")
    other = describe(replace(convoy, folder="/elsewhere"), str(file))
    Recorder(str(tmp_path / "other"), other).take(simulate(convoy))
    assert played(ossandbox("export", str(tmp_path / "other"), "--to", "html").out)["lesson"] == {}


def test_a_lesson_of_ones_own_is_put_in(ossandbox: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("# Mine\n\n<b>It</b> ends at {makespan}.\n")
    (tmp_path / "mine.zh.md").write_text("# 我的\n")
    recording, mine = write_recording(tmp_path / "it", WORLD, simulate(WORLD)), str(tmp_path / "mine.md")
    lesson = played(ossandbox("export", str(recording), "--to", "html", "--lesson", mine).out)["lesson"]
    assert "<h1>Mine</h1>" in lesson["en"]
    assert "<b>" not in lesson["en"]
    assert "{" not in lesson["en"]
    assert "我的" in lesson["zh"]
    for wrong, said in ((["svg", "--lesson", mine], "--to html"), (["html", "--lesson", f"{mine}x"], "cannot be read")):
        done = ossandbox("export", str(recording), "--to", *wrong)
        assert done.status == 2
        assert said in done.err


@browser
@pytest.mark.parametrize("size", ["400,800", "1366,768", "1920,1080"])
def test_a_browser_shows_what_the_recording_says(ossandbox: CommandRunner, tmp_path: Path, size: str) -> None:
    page, events = page_of(ossandbox, tmp_path)
    end = events[-1].t_ns
    times = [0, end // 5, end // 3, end // 2, end]
    said = asked_in_browser(page, tmp_path, times, size)
    assert said["length"] == end
    for ns, there in zip(times, said["at"], strict=True):
        board = folded(events, ns)
        assert there["states"] == states(board)
        assert there["running"] == [board.rows[pid].name for _cpu, pid in sorted(board.running.items())]
        names = {pid: row.name for pid, row in board.rows.items()}
        explained = why([*board.recent], names, board.policy, not board.ready and not board.running)
        assert there["why"] == (explained[1] if explained else "")
    decisions = sorted({event.t_ns for event in events if type(event).__name__ == "Dispatched" and event.t_ns > 0})
    assert said["clock"] == f"t {decisions[1] / 1e9:.3f} s"
    assert said["running"].startswith("RUNNING 2")
    assert said["playing"] == "❚❚"
    assert said["speed"] == 0.01, "a short run is played slowly enough to be seen"
    assert said["chinese"].startswith("就绪")
    assert said["chinese"].endswith("zh")
    assert said["stranger"], "text is no script"
    assert not said["wide"], "nothing is cut at the right"
