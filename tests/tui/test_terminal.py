"""The app from its first frame to its last word, on a real terminal, with real processes."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.support.files import write_scenario
from tests.support.procs import all_stopped, cpu_ticks, gone
from tests.support.run import until
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

#: Three that only compute, for long, in slices that one can follow.
THREE = """
title = "three"
[machine]
policy = "rr"
quantum = "200ms"
[[process]]
name = "spin"
work = ["cpu 60s"]
count = 3
"""


def running(app: Terminal) -> str:
    """Who stands in the RUNNING column."""
    found = re.search(r"cpu0 +\d+ ▶ (\S+)", app.display)
    return found[1] if found else ""


def shown_time(app: Terminal) -> float:
    """The machine's clock in the status line, in s."""
    found = re.search(r"t (\d+\.\d+) s", app.display.splitlines()[0])
    return float(found[1]) if found else -1.0


def explained(app: Terminal) -> str:
    """What the panel WHY says, its lines joined."""
    panel = app.display.partition("WHY")[2]
    return " ".join(panel.replace("│", " ").split())


def test_it_opens_on_welcome_and_the_board_moves() -> None:
    with terminal() as app:
        app.read_until(lambda: app.shows("welcome  ‖ PAUSED"), "the welcome scenario waits for its reader")
        app.read_until(lambda: app.shows("These are real processes of your machine"), "its lesson is open")
        app.read_until(lambda: app.shows("space begins"), "it says which key goes on")
        app.press(" ")
        app.read_until(lambda: shown_time(app) > 0, "the clock goes on")
        seen: set[str] = set()
        pressed = {0.0}

        def asked() -> bool:
            seen.add(running(app))
            if app.shows("space goes on") and not app.shows("editor asks you") and shown_time(app) not in pressed:
                pressed.add(shown_time(app))  # once at each pause, however long the screen takes
                app.press(" ")
            return app.shows("editor asks you")

        app.read_until(asked, "it goes on from pause to pause")
        assert seen - {""}, "somebody had the CPU"
        app.read_until(lambda: app.shows("B editor"), "editor waits")
        app.read_until(lambda: app.shows("read console"), "for its console, as the system says")
        app.press("q")
        assert app.wait() == 0


def test_from_the_first_key_to_the_last(tmp_path: Path) -> None:
    with terminal(write_scenario(tmp_path, THREE)) as app:
        app.read_until(lambda: app.shows("▶ RUNNING"), "the board is there")
        scheduled = app.wait_for_children(3)

        # A pause really stops.
        app.press(" ")
        app.read_until(lambda: app.shows("‖ PAUSED"), "it is paused")
        app.read_until(lambda: all_stopped(scheduled), "everybody is stopped")
        used, clock = [cpu_ticks(os_pid) for os_pid in scheduled], shown_time(app)
        app.read_until(lambda: app.shows("cpu0  ‖ paused"), "nobody has the CPU")

        # One step is one decision: who was running has the rest of his slice, and the next one is chosen.
        app.press(".")
        app.read_until(lambda: running(app) and app.shows("‖ PAUSED"), "one has been chosen, and nothing runs yet")
        first = running(app)
        app.read_until(lambda: all_stopped(scheduled), "nobody runs")
        used = [cpu_ticks(os_pid) for os_pid in scheduled]
        assert shown_time(app) < clock + 1, "nobody had more than a slice"
        assert [cpu_ticks(os_pid) for os_pid in scheduled] == used
        app.press(".")
        app.read_until(lambda: running(app) not in ("", first) and app.shows("‖ PAUSED"), "the next one was chosen")
        second = running(app)
        app.read_until(
            lambda: f"rr chooses {second}: it is the head of the ready queue" in explained(app), "it says why"
        )
        app.read_until(lambda: all_stopped(scheduled), "everybody is stopped again")

        # It goes on; another one is started, and takes its turns.
        app.press(" ")
        app.read_until(lambda: app.shows("▶ RUNNING"), "it goes on")
        app.press("n")
        app.read_until(lambda: app.shows("New process"), "a command line is asked for")
        app.press("sleep 60\r")
        app.read_until(lambda: app.shows("B sleep"), "it was started, ran, and waits")
        app.read_until(lambda: app.shows("sleep 60 s") or app.shows("sleep 59."), "the board says for what")
        sleeper = until(lambda: set(app.scheduled) - set(scheduled), "it is there").pop()

        # It is chosen; it is looked into, and ended.
        app.press("\r")
        app.read_until(lambda: app.shows(f"{sleeper} in the system"), "it is looked into")
        app.press("\x1b")
        app.read_until(lambda: not app.shows("in the system"), "the board is back")
        app.press("k\r")
        app.read_until(lambda: app.shows("✘ sleep") and app.shows("TERM"), "it is ended")
        until(lambda: gone(sleeper), "and gone")

        # Away, and everything is as before.
        kernel = app.kernel
        app.press("q")
        assert app.wait() == 0
        assert gone(kernel, *scheduled)
        assert app.modes == app.attributes
        assert app.written.rfind(b"\x1b[?1049l") > app.written.rfind(b"\x1b[?1049h"), "the alternative screen is left"
        assert app.written.rfind(b"\x1b[?25h") > app.written.rfind(b"\x1b[?25l"), "the cursor is back"


def test_the_quantum_and_the_policy_change_while_it_runs(tmp_path: Path) -> None:
    with terminal(write_scenario(tmp_path, THREE)) as app:
        app.read_until(lambda: app.shows("quantum 200 ms"), "it runs as its scenario says")
        app.press("[[")
        app.read_until(lambda: app.shows("quantum 50 ms"), "two steps down")
        app.press("p")
        app.read_until(lambda: app.shows("Scheduling policy"), "the policies are shown")
        app.press("\x1b[H\r")
        app.read_until(lambda: app.shows("   fcfs "), "another one is in force")
        since: list[tuple[str, float]] = []

        def alone() -> bool:
            """Whether one has been on the CPU for many quanta. A screen that lags shows others for a while."""
            shown = running(app)
            if not since or since[-1][0] != shown:
                since.append((shown, shown_time(app)))
            return bool(shown) and shown_time(app) > since[-1][1] + 1.5

        app.read_until(alone, "nobody takes the CPU from him")
        app.kill(signal.SIGTERM)
        assert app.wait() == 128 + signal.SIGTERM
