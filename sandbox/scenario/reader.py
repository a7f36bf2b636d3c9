"""A file → its scenario: what it may say, read and checked in the order in which people look for mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sandbox.model.claims import parse_claim
from sandbox.model.problems import BadInput, Problems, Where
from sandbox.model.spec import (
    CLIENT,
    MAX_PROCESSES,
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
from sandbox.scenario import lesson_checks as teaching
from sandbox.scenario.checks import Checks
from sandbox.scenario.parse import parse
from sandbox.scenario.tables import Tables

_TOP = {"title", "lesson", "concepts", "claims", "machine", "process", "client", "at", "step", "whatif"}
#: Concepts have the numbers 1 … 19.
_CONCEPTS, _CLAIMS = ListOf(Whole(1, 19)), ListOf(Parsed(parse_claim), 0, 100)
_BODIES = ("work", "command", "python", "program")
#: Keys of a process that make sense with one body, or with some programs, only.
_BELONG = {
    "args": "python",
    **dict.fromkeys(("listen", "clients", "idle"), "servers"),
    **dict.fromkeys(("connect", "say", "every", "times"), CLIENT),
}


def load(path: str | Path) -> Scenario:
    """The scenario of a file. Raises BadInput."""
    problems = Problems()
    table = parse(Path(path), problems)
    scenario = _Reader(Path(path), problems).read(table) if table is not None else None
    if problems.found or scenario is None:
        raise BadInput(str(path), problems.found)
    return scenario


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self._name = path.stem
        self._folder = path.resolve().parent
        self._problems = problems
        self._tables = Tables(problems)
        self._checks = Checks(problems, self._folder)
        #: To whom processes that are clients connect, and where that is said.
        self._connections: list[tuple[Where, str]] = []

    def read(self, table: dict[str, Any]) -> Scenario:
        """What the tables say; good for nothing where there are problems."""
        tables, checks = self._tables, self._checks
        tables.refuse_unknown((), table, _TOP)
        title = tables.value(("title",), Text(120), table.get("title", self._name), self._name)
        lesson = self._lesson(table.get("lesson"))
        machine = tables.struct(("machine",), MachineSpec, tables.table(("machine",), table.get("machine", {})))
        processes = [
            process
            for index, raw in enumerate(tables.tables("process", table))
            for process in self._process(index, raw)
        ]
        clients = [*tables.structs("client", ClientSpec, table)]
        script = [*tables.structs("at", At, table)]
        if len(processes) > MAX_PROCESSES:
            self._problems.add(("process",), "too many processes", number=len(processes), allowed=MAX_PROCESSES)
        checks.policy(machine, table.get("machine"))
        checks.names(processes)
        checks.script(script, [process.name for process in processes])
        checks.clients(clients, processes)
        checks.connections(self._connections, processes)
        scenario = Scenario(
            self._name,
            title,
            machine or MachineSpec(),
            processes,
            [at for _, at in script],
            lesson,
            str(self._folder),
            [client for _, client in clients],
            tables.value(("concepts",), _CONCEPTS, table.get("concepts", []), []),
            tables.value(("claims",), _CLAIMS, table.get("claims", []), []),
            [step for _, step in tables.structs("step", Step, table)],
            [whatif for _, whatif in tables.structs("whatif", WhatIf, table)],
        )
        for where, what in teaching.faults(scenario):
            self._problems.add_clause(where, what)
        return scenario

    def _lesson(self, raw: object) -> str | None:
        """The name of the file with the lesson, if there is one."""
        if raw is None:
            return None
        lesson: str | None = self._tables.value(("lesson",), Text(200), raw, None)
        if lesson is not None:
            self._checks.beside(("lesson",), lesson)
        return lesson

    def _process(self, index: int, raw: dict[str, Any]) -> Iterator[ProcessSpec]:
        """One table, as many processes as it counts copies."""
        where = ("process", str(index))
        bodies = [body for body in _BODIES if body in raw]
        if len(bodies) != 1:
            rule = "says nothing to run" if not bodies else "says more than one thing to run"
            self._problems.add(where, rule, found=" + ".join(bodies) or None, allowed=" | ".join(_BODIES))
        self._refuse_misplaced(where, raw, bodies)
        process = self._tables.struct(where, ProcessSpec, {"name": f"process-{index + 1}", **raw})
        if process is None:
            return
        if process.program == CLIENT:
            if process.connect is None:
                self._problems.add(where, "is missing", key="connect")
            else:
                self._connections.append(((*where, "connect"), process.connect))
        if process.python is not None:
            self._checks.function((*where, "python"), process.python)
        if process.count == 1:
            yield process
        else:
            for copy in range(1, process.count + 1):
                yield msgspec.structs.replace(process, name=f"{process.name}-{copy}", count=1)

    def _refuse_misplaced(self, where: Where, raw: dict[str, Any], bodies: list[str]) -> None:
        """Keys that say something of what does not run here; of an unknown program nobody can tell."""
        program = raw.get("program")
        kinds = {CLIENT} if program == CLIENT else {"servers"} if program in SERVERS else {CLIENT, "servers"}
        runs = {*bodies, *(kinds if "program" in raw else ())}
        for key, owner in _BELONG.items():
            if key in raw and owner not in runs:
                self._problems.add((*where, key), "belongs to others only", owner=owner)
