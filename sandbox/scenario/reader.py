"""Reads a scenario file and checks it as a whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sandbox.model.claims import parse_claim
from sandbox.model.clause import Clause
from sandbox.model.problems import BadInput, Problem, Problems, Where
from sandbox.model.spec import (
    CLIENT,
    MAX_PROCESSES,
    MAX_STRETCHES,
    MAX_TOTAL_NS,
    SERVERS,
    At,
    ClientSpec,
    MachineSpec,
    ProcessSpec,
    Scenario,
    Step,
    WhatIf,
)
from sandbox.model.values import ListOf, Parsed, Text, Whole
from sandbox.scenario.checks import Checks
from sandbox.scenario.lesson_checks import check_lesson
from sandbox.scenario.tables import Tables
from sandbox.util import toml
from sandbox.util.stdin import NAME, open_bytes
from sandbox.util.text import clean_line
from sandbox.util.units import show_duration

#: The greatest size of a scenario file, in bytes.
MAX_BYTES = 256 * 1024
#: The most characters shown of a TOML parser's message.
_MAX_FAULT = 100
_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")
_LONG_TEXT = re.compile("\"\"\"|'''")
_TOP = {"title", "lesson", "concepts", "claims", "machine", "process", "client", "at", "step", "whatif"}
#: Concepts are numbered 1 … 19.
_CONCEPTS, _CLAIMS = ListOf(Whole(1, 19)), ListOf(Parsed(parse_claim), 0, 100)
_BODIES = ("work", "command", "python", "program")
#: Keys of a process that are allowed only with a certain body or program.
_BELONG = {
    **dict.fromkeys(("args", "hook"), "python"),
    **dict.fromkeys(("listen", "clients", "idle"), "servers"),
    **dict.fromkeys(("connect", "say", "every", "times"), CLIENT),
}


def load(path: str | Path, runs: bool = True) -> Scenario:
    """Load the scenario of a file. ``runs``: policies' files in its folder are run to check them, which is safe only if
    the user has asked to run the scenario. Raises BadInput."""
    problems = Problems()
    table = parse(Path(path), problems)
    scenario = _Reader(Path(path), problems, runs).read(table) if table is not None else None
    if problems.found or scenario is None:
        raise BadInput(str(path), problems.found)
    return scenario


def parse(path: Path, problems: Problems) -> dict[str, Any] | None:
    """Return the tables of a file, or None with a problem added if it cannot be read. Sets ``problems.lines``."""
    try:
        with open_bytes(path) as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            problems.add((), "file is too large", allowed=f"{MAX_BYTES // 1024} KiB")
            return None
        text = data.decode("utf-8-sig")
        table = toml.loads(text)  # first, because it refuses deep nesting, which takes long to number
        problems.lines = _line_numbers(text)
        return table
    except OSError as error:
        problems.add((), "cannot be read", reason=error.strerror)
    except UnicodeDecodeError as error:
        problems.add((), "is not UTF-8", byte=error.start)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        what = Clause("is not TOML", {"reason": clean_line(toml.fault(error), _MAX_FAULT)})
        problems.found.append(Problem(int(line[1]) if line else 0, "", what))
    except (RecursionError, ValueError):  # ValueError: a number of far too many digits
        problems.add((), "is nested too deeply")
    return None


def _line_numbers(text: str) -> dict[Where, int]:
    """Return the line where each table and key begins. The result is approximate, which is sufficient for
    messages; a TOML parser that keeps positions would be another dependency."""
    numbers: dict[Where, int] = {}
    table: Where = ()
    counts: dict[Where, int] = {}
    in_text = False
    for number, line in enumerate(text.split("\n"), 1):
        was_in_text, in_text = in_text, in_text != bool(len(_LONG_TEXT.findall(line)) % 2)
        if was_in_text:
            continue
        if header := _HEADER.match(line):
            path: Where = ()
            for name in _names(header[2]):
                path = (*_counted(path, counts), name)
                numbers.setdefault(path, number)
            if header[1] == "[[":
                counts[path] = counts.get(path, -1) + 1
            table = _counted(path, counts)
            numbers.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for name in _names(key[1]):
                path = (*path, name)
                numbers.setdefault(path, number)
    return numbers


def _names(path: str) -> list[str]:
    """Split a dotted key, such as ``machine."a b".c``."""
    return [name.strip("\"'") for name in re.findall(_NAME, path)]


def _counted(path: Where, counts: dict[Where, int]) -> Where:
    """The path with the number of the latest table, if it is an array of tables."""
    return (*path, str(counts[path])) if path in counts else path


class _Reader:
    """Converts the tables of one file to a scenario."""

    def __init__(self, path: Path, problems: Problems, runs: bool) -> None:
        self._name = path.stem if str(path) != NAME else "stdin"
        self._runs = runs
        self._folder = path.resolve().parent
        self._problems = problems
        self._tables = Tables(problems)
        self._checks = Checks(problems, self._folder, runs)
        #: The place and value of each client process's ``connect``.
        self._connections: list[tuple[Where, str]] = []
        #: The process of each table, with its place.
        self._tables_read: list[tuple[Where, ProcessSpec]] = []
        #: The number of processes so far, of stretches of work in all of them, and their total time.
        self._number = self._stretches = self._lasts_ns = 0
        #: The kind of each process by name, even if its table is wrong: "server", "client", "work", or "program" for
        #: others, which may listen.
        self._declared: dict[str, str] = {}
        #: The names given in tables, and those given twice.
        self._called: set[str] = set()
        self._twice: set[str] = set()

    def read(self, table: dict[str, Any]) -> Scenario:
        """Return the scenario of the tables, which may be used only if no problems were found."""
        tables, checks = self._tables, self._checks
        tables.refuse_unknown((), table, _TOP)
        title = tables.value(("title",), Text(120), table.get("title", self._name), self._name)
        lesson = self._lesson(table.get("lesson"))
        machine = self._machine(table.get("machine", {}))
        processes = [
            process
            for index, raw in enumerate(tables.tables("process", table))
            for process in self._process(index, raw)
        ]
        clients = tables.structs("client", ClientSpec, table)
        script = tables.structs("at", At, table)
        whatifs = tables.structs("whatif", WhatIf, table)
        if self._number > MAX_PROCESSES:
            self._problems.add(("process",), "too many processes", number=self._number, allowed=MAX_PROCESSES)
        if machine.stepped:
            checks.steps(machine, self._tables_read, len(clients))
        checks.names(processes, self._twice)
        checks.script([at.right.get("do") for at in script], self._declared)
        checks.clients(
            [(client.right.get("name"), client.right.get("connect")) for client in clients],
            self._that_are("server", "program"),
        )
        checks.connections(self._connections, self._that_are("server"))
        scenario = Scenario(
            name=self._name,
            title=title,
            machine=machine,
            processes=processes,
            script=[at.whole for at in script if at.whole is not None],
            lesson=lesson,
            folder=str(self._folder),
            clients=[client.whole for client in clients if client.whole is not None],
            concepts=tables.value(("concepts",), _CONCEPTS, table.get("concepts", []), []),
            claims=tables.value(("claims",), _CLAIMS, table.get("claims", []), []),
            steps=[step.whole for step in tables.structs("step", Step, table) if step.whole is not None],
            whatifs=[whatif.whole for whatif in whatifs if whatif.whole is not None],
        )
        names = {*self._declared, *(whatif.right["name"] for whatif in whatifs if "name" in whatif.right)}
        check_lesson(scenario, names, self._problems, self._runs)
        return scenario

    def _lesson(self, raw: object) -> str | None:
        """Return the file name of the lesson, or None if there is no lesson."""
        if raw is None:
            return None
        lesson: str | None = self._tables.value(("lesson",), Text(200), raw, None)
        if lesson is not None:
            self._checks.beside(("lesson",), lesson)
        return lesson

    def _machine(self, raw: object) -> MachineSpec:
        """Return the machine with its valid keys, and check its policy with them."""
        raw = self._tables.table(("machine",), raw)
        machine = MachineSpec(**self._tables.read(("machine",), MachineSpec, raw).right)
        if machine.policy == raw.get(
            "policy", machine.policy
        ):  # else it is not known which policy the parameters are for
            self._checks.policy(machine)
        return machine

    def _process(self, index: int, raw: dict[str, Any]) -> Iterator[ProcessSpec]:
        """Yield the processes of one table, as many as its ``count``."""
        where = ("process", str(index))
        self._find_twice((*where, "name"), raw.get("name"))
        bodies = [body for body in _BODIES if body in raw]
        if len(bodies) != 1:
            rule = "says nothing to run" if not bodies else "says more than one thing to run"
            self._problems.add(where, rule, found=" + ".join(bodies) or None, allowed=" | ".join(_BODIES))
        self._refuse_misplaced(where, raw, bodies)
        raw = {"name": f"process-{index + 1}", **raw}
        self._declare(raw)
        right, process = self._tables.read(where, ProcessSpec, raw)
        if right.get("program") == CLIENT:
            if "connect" in right:
                self._connections.append(((*where, "connect"), right["connect"]))
            elif "connect" not in raw:
                self._problems.add(where, "is missing", key="connect")
        if "python" in right:
            self._checks.function((*where, "python"), right["python"])
        if process is None:
            return
        self._tables_read.append((where, process))
        if not self._can_be_afforded(where, raw, process):
            return
        if process.count == 1:
            yield process
        else:
            for copy in range(1, process.count + 1):
                yield msgspec.structs.replace(process, name=f"{process.name}-{copy}", count=1)

    def _declare(self, raw: dict[str, Any]) -> None:
        """Note the names of a table's processes, even if the rest of the table is wrong."""
        name, count = raw["name"], raw.get("count", 1)
        what = "work" if "work" in raw else "program"
        if "program" in raw:
            what = "client" if raw["program"] == CLIENT else "server"
        if isinstance(name, str) and len(self._declared) <= MAX_PROCESSES:
            several = type(count) is int and 1 < count <= MAX_PROCESSES
            names = [f"{name}-{copy}" for copy in range(1, count + 1)] if several else [name]
            self._declared.update(dict.fromkeys(names, what))

    def _that_are(self, *kinds: str) -> list[str]:
        return [name for name, what in self._declared.items() if what in kinds]

    def _find_twice(self, where: Where, name: object) -> None:
        """Report a duplicate name at its place, even if the rest of the table is wrong."""
        if isinstance(name, str):
            if name in self._called:
                self._twice.add(name)
                self._problems.add(where, "two processes of one name", value=clean_line(name))
            self._called.add(name)

    def _can_be_afforded(self, where: Where, raw: dict[str, Any], process: ProcessSpec) -> bool:
        """Whether the scenario stays within the limits for processes, work and time, counting this table's repeats and
        copies: values that are valid alone may have a huge product. Copies are made only after this check."""
        lasted_ns = self._lasts_ns
        self._lasts_ns += process.lasts_ns * process.count
        if lasted_ns <= MAX_TOTAL_NS < self._lasts_ns:
            allowed = show_duration(MAX_TOTAL_NS)
            self._problems.add(where, "lasts too long", time_ns=self._lasts_ns, allowed=allowed)
        before, here = self._stretches, len(process.segments) * process.count
        self._number += process.count
        self._stretches += here
        if before <= MAX_STRETCHES < self._stretches:
            place = next(key for key in ("repeat", "count", "work") if key in raw)
            self._problems.add((*where, place), "too much work", number=self._stretches, allowed=MAX_STRETCHES)
        return self._number <= MAX_PROCESSES and self._stretches <= MAX_STRETCHES and self._lasts_ns <= MAX_TOTAL_NS

    def _refuse_misplaced(self, where: Where, raw: dict[str, Any], bodies: list[str]) -> None:
        """Refuse keys that belong to another kind of body; an unknown program counts as any kind."""
        program = raw.get("program")
        kinds = {CLIENT} if program == CLIENT else {"servers"} if program in SERVERS else {CLIENT, "servers"}
        runs = {*bodies, *(kinds if "program" in raw else ())}
        for key, owner in _BELONG.items():
            if key in raw and owner not in runs:
                self._problems.add((*where, key), "belongs to others only", owner=owner)
