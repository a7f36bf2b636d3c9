"""From ``exec`` to the first frame in a terminal, beside the smallest possible Textual app."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

from tests.benchmarks.tools import alternate, row

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    BINDINGS = [("q", "quit", "quit")]
    def compose(self):
        yield Static("READY")
Minimal().run()
"""
_PATIENCE_S = 15.0


def until_ready(*command: str) -> float:
    """Seconds until the word READY has been painted; then the app is quit."""
    began = time.perf_counter()
    os_pid, terminal = pty.fork()
    if os_pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.execv(command[0], command)
    painted, seen = 0.0, b""
    while time.perf_counter() - began < _PATIENCE_S and select.select([terminal], [], [], _PATIENCE_S)[0]:
        try:
            seen += os.read(terminal, 65_536)
        except OSError:
            break
        if not painted and b"READY" in seen:
            painted = time.perf_counter() - began
            os.write(terminal, b"q")
    os.waitpid(os_pid, 0)
    os.close(terminal)
    return painted


def main() -> None:
    ours, theirs, ratio = alternate(
        lambda: until_ready(sys.executable, "-m", "sandbox", "time-sharing"),
        lambda: until_ready(sys.executable, "-c", MINIMAL),
    )
    row("first frame", f"{ours * 1e3:.0f} ms", f"minimal {theirs * 1e3:.0f} ms", ratio)
