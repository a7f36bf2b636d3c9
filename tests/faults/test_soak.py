"""A shell that forks for ever: memory, screen and the way out stay as they were. ``make soak`` watches for ten minutes."""

from __future__ import annotations

import os
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox.model.retirement import MIN_KEPT
from tests.support.run import kernel_below
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.real, pytest.mark.thorough, pytest.mark.usefixtures("leftcheck")]

#: How long it is watched, after the dead have begun to retire; and in how many windows. What is kept for ever grows in
#: each of them; what grows once (a cache, a burst of records after a stall) does so in one.
SOAK_S = float(os.environ.get("OSSANDBOX_SOAK_S", "9"))
_WINDOWS = 3
#: Before the first reading everything that is bounded has time to fill: a minute in a long soak.
_SETTLE_S = 60.0 if SOAK_S > 60 else 2.0
#: In bytes, of each process, if it grew in all windows as in the one in which it grew least. What a short soak would
#: notice grew by some 50 MB.
_MAX_GROWTH = 5_000_000
_SETTLED = 2 * MIN_KEPT  # ends by which there are as many dead as there will ever be
_MIN_FRAMES_PER_S = 0.5  # on a machine that others share; the screen's own least is 2
_MAX_QUIT_S = 2.0 if SOAK_S > 60 else 5.0
_WORLD = f"""
[machine]
kept = {MIN_KEPT}
[[process]]
name = "loop"
command = ["sh", "-c", "while :; do /bin/true; done"]
"""


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ended(run: Terminal) -> int:
    """How many have ended, as the board says."""
    found = re.search(r"DONE (\d+)", run.display)
    return int(found[1]) if found else 0


def watch_screen(run: Terminal, seconds: float) -> float:
    """How often a second the count of the dead has changed on the screen."""
    seen, until = {ended(run)}, time.monotonic() + seconds
    while time.monotonic() < until:
        run.read()
        seen.add(ended(run))
        time.sleep(0.02)
    return (len(seen) - 1) / seconds


@pytest.mark.timeout(SOAK_S + _SETTLE_S + 150)
def test_f49_a_fork_loop_costs_no_more_as_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(_WORLD)
    with terminal(str(path)) as run:
        run.read_until(lambda: ended(run) > _SETTLED, "the dead have begun to retire", 120)
        assert "retired" in run.display
        both = (run.os_pid, kernel_below(run.os_pid))
        watch_screen(run, _SETTLE_S)
        readings, frames = [[resident(pid) for pid in both]], 0.0
        for _ in range(_WINDOWS):
            frames += watch_screen(run, SOAK_S / _WINDOWS) / _WINDOWS
            readings.append([resident(pid) for pid in both])
        print(f"{ended(run)} ended, {frames:.1f} frames/s; bytes of the app and the kernel process: {readings}")
        for of_one in zip(*readings, strict=True):
            assert _WINDOWS * min(after - before for before, after in pairwise(of_one)) < _MAX_GROWTH
        assert frames >= _MIN_FRAMES_PER_S
        assert "PAUSED" not in run.display
        began = time.monotonic()
        run.press("q")
        run.wait(20)
        took_s = time.monotonic() - began
        print(f"quit took {took_s:.1f} s")
        assert took_s < _MAX_QUIT_S
