"""Plain words on a plain terminal: event lines, tables and messages of the headless commands."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox import wording
from sandbox.i18n import Messages, _
from sandbox.model.events import Admitted, Became, Clause, Event
from sandbox.render.gantt import Line
from sandbox.scenario import BadInput
from sandbox.util.units import MS, S
from sandbox.views.history import History
from sandbox.views.metrics import one_after_another


class EventLines:
    """Prints one line an event."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def line(self, event: Event) -> str:
        """The event as a line: time, what, which process, and the sentence."""
        if isinstance(event, (Admitted, Became)):
            self._names[event.pid] = event.name
        pid = getattr(event, "pid", None)
        kind = type(event).__name__.lower()
        text = wording.sentence(event, self._names).replace("\n", " ⏎ ")
        return f"{event.t_ns / S:10.6f} s  {kind:<11} {'' if pid is None else pid:>4}  {text}"


def milliseconds(ns: int | None) -> str:
    """A time in a table: milliseconds with one decimal, ``-`` for none."""
    return "-" if ns is None else f"{ns / MS:.1f}"


def print_result(document: dict[str, Any]) -> None:
    """The result document as tables."""
    processes = [
        [
            str(process["pid"]),
            process["name"],
            *(milliseconds(process[key]) for key in _TIMES),
            str(process["switches"]),
            "-" if process["exit"] is None else str(process["exit"]),
        ]
        for process in document["processes"]
    ]
    times = [_(name) for name in _TIMES.values()]
    print_table([_("pid"), _("name"), *times, _("switches"), _("exit")], processes, left={1})
    figures = document["metrics"]
    print()
    rows = [
        [_(_TIMES[key]), *(milliseconds(figures[key][part]) for part in ("mean", "p50", "p95", "max"))]
        for key in ("turnaround_ns", "waiting_ns", "response_ns")
    ]
    print_table([_("all times in ms"), _("mean"), "p50", "p95", _("max")], rows, left={0})
    print()
    machine, policy = document["machine"], document["policy"]
    said = _("{scenario}: {policy} on the {machine} machine, {cpus} CPU")
    if machine["sensor"]:
        said = _("{scenario}: {policy} on the {machine} machine, {cpus} CPU, sensor {sensor}")
    print(
        said.format(
            scenario=document["scenario"],
            policy=policy["name"],
            machine=_(machine["kind"]),
            cpus=machine["cpus"],
            sensor=machine["sensor"],
        )
    )
    told = (
        _("makespan {time} ms").format(time=milliseconds(figures["makespan_ns"])),
        _("CPU utilisation {share}").format(share=f"{figures['cpu_utilisation']:.1%}"),
        _("context switches {number}").format(number=figures["switches"]),
        _("throughput {number}/s").format(number=f"{figures['throughput_per_s']:.2f}"),
        _("fairness {index}").format(index=f"{figures['fairness_jain']:.3f}"),
    )
    print("   ".join(told))
    if machine["kind"] == "linux":
        time = milliseconds(figures["undispatched_ns"])
        print(_("ran without being dispatched: {time} ms of CPU time").format(time=time))


def print_serial(history: History) -> None:
    """What the same work would have taken one after another, where that differs."""
    serial = one_after_another(history)
    if serial["cpu_utilisation"] < 1:
        said = _("one after another the same work takes {time} ms at a CPU utilisation of {share}")
        time, share = milliseconds(round(serial["makespan_ns"])), f"{serial['cpu_utilisation']:.1%}"
        print(said.format(time=time, share=share))


def print_clients(clients: Sequence[dict[str, Any]]) -> None:
    """What became of the clients outside, if there were any."""
    if not clients:
        return
    rows = [
        [
            each["name"],
            *(str(each[key]) for key in ("clients", "sent", "received", "errors")),
            *(milliseconds(each["latency_ns"][share]) for share in _LATENCIES),
            ", ".join(f"{wording.client(Clause(rule))} × {number}" for rule, number in each["reasons"].items()),
        ]
        for each in clients
    ]
    print()
    head = [_("client"), _("number"), _("sent"), _("answered"), _("errors")]
    print_table([*head, "p50", "p95", "p99", _("max"), _("what went wrong")], rows, left={0, 9})


#: How long answers took.
_LATENCIES = ("p50", "p95", "p99", "max")
#: The times of a process in the result document, and what they are called.
_TIMES: Messages = {
    "arrived_ns": "arrived",
    "first_run_ns": "first run",
    "finished_ns": "finished",
    "cpu_ns": "cpu",
    "waiting_ns": "waiting",
    "blocked_ns": "blocked",
    "turnaround_ns": "turnaround",
    "response_ns": "response",
}


class Paper(Console):
    """Where tables and charts are printed."""

    def on_broken_pipe(self) -> None:
        """A reader who leaves is for the command to deal with; rich would end it as a failure."""
        raise BrokenPipeError


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """A table on stdout; foreign text is never taken for markup, and nothing is cut when stdout is no terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(head):
        table.add_column(title, justify="left" if index in left else "right", no_wrap=index not in left)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Paper(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def print_lines(lines: Iterable[Line]) -> None:
    """Lines whose pieces have tones, in the colours that the terminal can have; never cut, never for markup."""
    console = Paper(highlight=False)
    for line in lines:
        text = Text(end="")
        for piece, tone in line:
            text.append(piece, _TONES[tone])
        text.rstrip()
        console.print(text, soft_wrap=True)


#: Without colours a chart's signs tell the same.
_TONES = {
    "text": "",
    "dim": "dim",
    "strong": "bold",
    "running": "green",
    "ran_while_ready": "green",
    "ready": "yellow",
    "blocked": "blue",
}


def chart_width() -> int:
    """How many cells wide a chart is: as the terminal, 80 where there is none."""
    return max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST)


_NARROWEST = 40


class Progress:
    """Says on stderr how far a long command is: on a terminal in one line that is rewritten and vanishes, else in a
    line a step. Nothing is said of what is over in a moment."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def next(self, what: str) -> None:
        """The next step begins."""
        self._step += 1
        said = _("{what} ({step} of {steps})").format(what=what, step=self._step, steps=self._steps)
        if self._terminal:
            said = set_cell_size(said, min(cell_len(said), chart_width() - 1))
            print(_ANEW + said, end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._began > _MOMENT_S:
            complain(said)

    def end(self) -> None:
        """All is done: leave no trace on the terminal."""
        if self._terminal:
            print(_ANEW, end="", file=sys.stderr, flush=True)


#: To the beginning of the line, and clear it.
_ANEW = "\r\x1b[K"
_MOMENT_S = 1.0


def complain(text: str) -> None:
    """A message on stderr."""
    print(f"ossandbox: {text}", file=sys.stderr)


def quote(text: str) -> None:
    """Somebody else's lines on stderr, indented."""
    print(indent(text.rstrip(), "    "), file=sys.stderr)


def abandon_stdout() -> None:
    """Nobody reads what we print any more: say nothing more, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_problems(bad: BadInput) -> None:
    """Every problem of a file on stderr."""
    for line in problem_lines(bad):
        print(line, file=sys.stderr)


def problem_lines(bad: BadInput) -> Iterator[str]:
    """Every problem of a file on one line: file, line, place, what is wrong and what is allowed."""
    for problem in bad.problems:
        line = f":{problem.line}" if problem.line else ""
        place = f" {problem.place}:" if problem.place else ""
        yield f"{bad.file}{line}:{place} {wording.problem(problem.what)}"
