"""From ``exec`` to the first frame in a terminal, beside the smallest possible Textual app.

That app once more, which imports what ours consists of before it begins, bounds what can be reached with these modules.
"""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.figures import Beside, CannotMeasure, Figure, figure, in_turn

ROUNDS = 5

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    BINDINGS = [("q", "quit", "quit")]
    def compose(self):
        yield Static("READY")
Minimal().run()
"""
#: The modules of the app, and the kernel process's side of it.
IMPORTS = """
import sandbox.cli.app, sandbox.link.client, sandbox.tui.app, sandbox.tui.ascii, sandbox.tui.config
import sandbox.tui.state.live, sandbox.tui.screens.board
"""
_TIMEOUT_S = 15.0


def until_ready(*command: str) -> float:
    """Seconds until the word READY has been painted; then the app is quit."""
    began = time.perf_counter()
    os_pid, terminal = pty.fork()
    if os_pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.execv(command[0], command)
    painted, seen = 0.0, b""
    while time.perf_counter() - began < _TIMEOUT_S and select.select([terminal], [], [], _TIMEOUT_S)[0]:
        try:
            seen += os.read(terminal, 65_536)
        except OSError:
            break
        if not painted and b"READY" in seen:
            painted = time.perf_counter() - began
            os.write(terminal, b"q")
    os.waitpid(os_pid, 0)
    os.close(terminal)
    if not painted:
        raise CannotMeasure(f"no frame of {' '.join(command[:4])} within {_TIMEOUT_S:.0f} s")
    return painted


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours, minimal, importing = in_turn(
        rounds,
        lambda: until_ready(sys.executable, "-m", "sandbox", "time-sharing") * 1e3,
        lambda: until_ready(sys.executable, "-c", MINIMAL) * 1e3,
        lambda: until_ready(sys.executable, "-c", IMPORTS + MINIMAL) * 1e3,
    )
    beside = (Beside("minimal app", minimal), Beside("minimal app, our imports", importing, foreign=False))
    yield figure("first frame", ours, "ms", "less", *beside)
