"""Drawing the board of a thousand processes line by line, beside a DataTable with the same cells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from sandbox.model.events import Admitted, AnyEvent, Booted, Ready
from sandbox.model.spec import MachineSpec, Scenario
from sandbox.tui.app import SandboxApp
from sandbox.tui.state.live import Live
from tests.benchmarks.figures import Beside, Figure, figure, in_turn

ROUNDS = 3
PROCESSES, FRAMES = 1_000, 20


def admissions(processes: int) -> list[AnyEvent]:
    events: list[AnyEvent] = [Booted(0, "virtual", 1, "rr", {}, "arrival-first", "bench")]
    for pid in range(1, processes + 1):
        events += [Admitted(0, pid, f"process-{pid}", "cpu 1s"), Ready(0, pid, "admitted")]
    return events


async def board(processes: int = PROCESSES) -> float:
    """CPU seconds a frame, the first process of the queue moved to its tail each time."""
    session = Live(Scenario("bench", "bench", MachineSpec(), []), start=None)  # type: ignore[arg-type]
    app = SandboxApp(session)
    app._begin = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        session.add_events(admissions(processes))
        await pilot.pause()
        began = time.process_time()
        for _ in range(FRAMES):
            session.view.board.ready.rotate(-1)
            app.board_screen.update_all()
            await pilot.pause()
        return (time.process_time() - began) / FRAMES


class Table(App[None]):
    def compose(self) -> ComposeResult:
        yield DataTable()


async def table() -> float:
    app = Table()
    async with app.run_test(size=(120, 40)) as pilot:
        widget = app.query_one(DataTable)
        columns = widget.add_columns("pid", "state", "name", "cpu")
        rows = [widget.add_row(str(pid), "R", f"process-{pid}", "0ms") for pid in range(PROCESSES)]
        await pilot.pause()
        began = time.process_time()
        for frame in range(FRAMES):
            for row_key in rows:
                widget.update_cell(row_key, columns[3], f"{frame}ms")
            await pilot.pause()
        return (time.process_time() - began) / FRAMES


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours, cells = in_turn(rounds, lambda: asyncio.run(board()) * 1e3, lambda: asyncio.run(table()) * 1e3)
    yield figure(f"a frame of {PROCESSES} processes, CPU", ours, "ms", "less", Beside("DataTable", cells))
