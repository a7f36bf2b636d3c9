"""Reading scenario files: everything is checked before anything starts, and every fault is told at once."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

import msgspec

from sandbox import policies, teaching
from sandbox.addresses import parse_address
from sandbox.alarm import CLOCK
from sandbox.commands import Kill, Press, Type, UsePolicy
from sandbox.events import Clause
from sandbox.happenings import parse_claim
from sandbox.kinds import Kind, ListOf, Parsed, Refused, Text, Whole, nearest, shown
from sandbox.spec import (
    CLIENT,
    PROCESSES_MOST,
    SERVERS,
    At,
    ClientSpec,
    MachineSpec,
    ProcessSpec,
    Scenario,
    Step,
    WhatIf,
)

BYTES_MOST = 256 * 1024
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

S = TypeVar("S", bound=msgspec.Struct)
Numbered = Sequence[tuple[int, S]]


class Problem(NamedTuple):
    """One fault of a file: its line (0: the whole file), its place in words of the file, and what is wrong."""

    line: int
    place: str
    what: Clause


class BadScenario(Exception):
    """A file that cannot be used. ``problems``: all of them, in the order of the file."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        super().__init__(file)
        self.file = file
        self.problems = sorted(problems, key=lambda problem: problem.line)


def load(path: str | Path) -> Scenario:
    """The scenario of a file. Raises BadScenario."""
    return _Reader(Path(path)).read()


def built_in_folder() -> Path:
    """Where the built-in scenarios are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def built_in() -> list[Path]:
    """The files of the built-in scenarios, by name."""
    return sorted(built_in_folder().glob("*.toml"))


def find(name: str) -> Path:
    """The file of a built-in scenario's name, or of a path. Raises BadScenario."""
    path = Path(name)
    if path.suffix != ".toml" and not path.exists():
        names = [file.stem for file in built_in()]
        if name in names:
            return built_in_folder() / f"{name}.toml"
        what = Clause(
            "no such scenario", {"value": shown(name), "allowed": " | ".join(names), "hint": nearest(name, names)}
        )
        raise BadScenario(name, [Problem(0, "", what)])
    return path


class _Reader:
    """Reads one file and gathers its problems."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[Problem] = []
        self._lines: dict[tuple[str, ...], int] = {}
        #: To whom processes that are clients connect, and where that is said.
        self._connects: list[tuple[tuple[str, ...], str]] = []

    def read(self) -> Scenario:
        table = self._parse()
        scenario = self._scenario(table) if table is not None else None
        if self._problems or scenario is None:
            raise BadScenario(str(self._path), self._problems)
        return scenario

    def _parse(self) -> dict[str, Any] | None:
        try:
            with open(self._path, "rb") as file:
                data = file.read(BYTES_MOST + 1)
            if len(data) > BYTES_MOST:
                self._problem((), "file is too large", allowed=f"{BYTES_MOST // 1024} KiB")
                return None
            text = data.decode("utf-8-sig")
            self._lines = _line_numbers(text)
            return tomllib.loads(text)
        except OSError as error:
            self._problem((), "cannot be read", reason=error.strerror)
        except UnicodeDecodeError as error:
            self._problem((), "is not UTF-8", byte=error.start)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            self._problems.append(
                Problem(
                    int(line[1]) if line else 0, "", Clause("is not TOML", {"reason": shown(str(error)).strip("'\"")})
                )
            )
        except (RecursionError, ValueError):  # ValueError: a number of far too many digits
            self._problem((), "is nested too deeply")
        return None

    def _scenario(self, table: dict[str, Any]) -> Scenario:
        self._refuse_unknown((), table, _TOP)
        folder = self._path.resolve().parent
        title = self._value(("title",), Text(120), table.get("title", self._path.stem), self._path.stem)
        lesson = table.get("lesson")
        if lesson is not None:
            lesson = self._value(("lesson",), Text(200), lesson, None)
            if lesson is not None:
                self._beside(("lesson",), folder, lesson)
        machine = self._struct(("machine",), MachineSpec, self._table(("machine",), table.get("machine", {})))
        processes = [
            process
            for index, raw in enumerate(self._tables("process", table))
            for process in self._process(index, raw, folder)
        ]
        clients = [*self._structs("client", ClientSpec, table)]
        script = [*self._structs("at", At, table)]
        if len(processes) > PROCESSES_MOST:
            self._problem(("process",), "too many processes", number=len(processes), allowed=PROCESSES_MOST)
        self._check_policy(machine, table.get("machine"), folder)
        self._check_names(processes)
        self._check_script(script, [process.name for process in processes], folder)
        self._check_connections(processes, clients)
        scenario = Scenario(
            self._path.stem,
            title,
            machine or MachineSpec(),
            processes,
            [at for _, at in script],
            lesson,
            str(folder),
            [client for _, client in clients],
            self._value(("concepts",), _CONCEPTS, table.get("concepts", []), []),
            self._value(("claims",), _CLAIMS, table.get("claims", []), []),
            [step for _, step in self._structs("step", Step, table)],
            [whatif for _, whatif in self._structs("whatif", WhatIf, table)],
        )
        for where, what in teaching.faults(scenario):
            self._problems.append(Problem(self._line(where), _place(where), what))
        return scenario

    # Tables and values

    def _process(self, index: int, raw: dict[str, Any], folder: Path) -> Iterator[ProcessSpec]:
        """One table, as many processes as it counts copies."""
        where = ("process", str(index))
        bodies = [body for body in _BODIES if body in raw]
        if len(bodies) != 1:
            rule = "says nothing to run" if not bodies else "says more than one thing to run"
            self._problem(where, rule, found=" + ".join(bodies) or None, allowed=" | ".join(_BODIES))
        self._refuse_misplaced(where, raw, bodies)
        process = self._struct(where, ProcessSpec, {"name": f"process-{index + 1}", **raw})
        if process is None:
            return
        if process.program == CLIENT:
            if process.connect is None:
                self._problem(where, "is missing", key="connect")
            else:
                self._connects.append(((*where, "connect"), process.connect))
        if process.python is not None:
            self._check_function((*where, "python"), process.python, folder)
        if process.count == 1:
            yield process
        else:
            for copy in range(1, process.count + 1):
                yield msgspec.structs.replace(process, name=f"{process.name}-{copy}", count=1)

    def _refuse_misplaced(self, where: tuple[str, ...], raw: dict[str, Any], bodies: list[str]) -> None:
        """Keys that say something of what does not run here; of an unknown program nobody can tell."""
        program = raw.get("program")
        kinds = {CLIENT} if program == CLIENT else {"servers"} if program in SERVERS else {CLIENT, "servers"}
        runs = {*bodies, *(kinds if "program" in raw else ())}
        for key, owner in _BELONG.items():
            if key in raw and owner not in runs:
                self._problem((*where, key), "belongs to others only", owner=owner)

    def _structs(self, key: str, struct: type[S], table: dict[str, Any]) -> Iterator[tuple[int, S]]:
        """The tables of one key that are right, each with its number."""
        for index, raw in enumerate(self._tables(key, table)):
            value = self._struct((key, str(index)), struct, raw)
            if value is not None:
                yield index, value

    def _struct(self, where: tuple[str, ...], struct: type[S], raw: dict[str, Any]) -> S | None:
        """A struct from a table, each key read by the kind that its field declares; None if any is wrong."""
        hints = get_type_hints(struct, include_extras=True)
        kinds: dict[str, tuple[str, Kind[Any]]] = {
            name.removesuffix("_ns"): (name, hint.__metadata__[0]) for name, hint in hints.items()
        }
        before = len(self._problems)
        self._refuse_unknown(where, raw, kinds)
        values: dict[str, Any] = {}
        for key, value in raw.items():
            if key in kinds:
                field, kind = kinds[key]
                values[field] = self._value((*where, key), kind, value, None)
        for field_info in msgspec.structs.fields(struct):
            if field_info.required and field_info.name not in values:
                self._problem(where, "is missing", key=field_info.name.removesuffix("_ns"))
        return struct(**values) if len(self._problems) == before else None

    def _value(self, where: tuple[str, ...], kind: Kind[Any], raw: object, otherwise: Any) -> Any:
        try:
            return kind.read(raw)
        except Refused as refused:
            self._refused(where, refused)
            return otherwise

    def _table(self, where: tuple[str, ...], raw: object) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self._problem(where, "expected a table", value=shown(raw))
        return {}

    def _tables(self, key: str, table: dict[str, Any]) -> list[dict[str, Any]]:
        raw = table.get(key, [])
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            self._problem((key,), "expected tables", value=shown(raw), hint=f"[[{key}]]")
            return []
        if len(raw) > PROCESSES_MOST:
            self._problem((key,), "too many tables", number=len(raw), allowed=PROCESSES_MOST)
            return []
        return raw

    def _refuse_unknown(self, where: tuple[str, ...], raw: dict[str, Any], known: Any) -> None:
        for key in raw:
            if key not in known:
                self._problem(
                    (*where, key),
                    "unknown key",
                    value=shown(key).strip("'"),
                    allowed=" | ".join(sorted(known)),
                    hint=nearest(key, sorted(known)),
                )

    # What concerns more than one value

    def _check_policy(self, machine: MachineSpec | None, raw: object, folder: Path) -> None:
        """The policy exists and takes its parameters; its name is looked at even where other keys are wrong."""
        if machine is None:
            named = raw.get("policy") if isinstance(raw, dict) else None
            machine = MachineSpec(policy=named) if isinstance(named, str) else MachineSpec()
        if not self._check_place_of_policy(("machine", "policy"), machine.policy, folder):
            return
        try:
            policies.build(machine, str(folder), CLOCK)
        except Refused as refused:
            inside, what = refused.faults[0]
            about = "parameters" if inside or what.rule == "no such parameter" else "policy"
            self._refused(("machine", about), refused)

    def _check_place_of_policy(self, where: tuple[str, ...], policy: str, folder: Path) -> bool:
        """A policy's own file lies beside the scenario."""
        return ":" not in policy or self._beside(where, folder, policy.rpartition(":")[0])

    def _check_names(self, processes: list[ProcessSpec]) -> None:
        names: set[str] = set()
        addresses: set[str] = set()
        for process in processes:
            if process.name in names:
                self._problem(("process",), "two processes of one name", value=process.name)
            names.add(process.name)
            if process.program in SERVERS and not process.listen.endswith(":0"):
                if process.listen in addresses:
                    self._problem(("process",), "two servers at one address", value=process.listen)
                addresses.add(process.listen)

    def _check_script(self, script: Numbered[At], names: list[str], folder: Path) -> None:
        for index, at in script:
            where = ("at", str(index), "do")
            if isinstance(at.do, (Kill, Type, Press)) and not at.do.who.isdecimal():
                self._check_named(where, at.do.who, names)
            elif isinstance(at.do, UsePolicy) and self._check_place_of_policy(where, at.do.policy, folder):
                try:
                    policies.build(MachineSpec(policy=at.do.policy), str(folder), CLOCK)
                except Refused as refused:
                    self._refused(where, refused)

    def _check_named(self, where: tuple[str, ...], name: str, names: list[str]) -> None:
        if name not in names:
            allowed, hint = " | ".join(sorted(names)[:20]), nearest(name, sorted(names))
            self._problem(where, "no such process", value=shown(name), allowed=allowed, hint=hint)

    def _check_connections(self, processes: list[ProcessSpec], clients: Numbered[ClientSpec]) -> None:
        """Clients outside connect to whatever process will listen; those that are processes need an address at their
        birth, which only built-in servers have by then."""
        names: set[str] = set()
        for index, client in clients:
            if client.name in names:
                self._problem(("client", str(index), "name"), "two clients of one name", value=client.name)
            names.add(client.name)
            real = [process.name for process in processes if process.work is None and process.program != CLIENT]
            self._check_connection(("client", str(index), "connect"), client.connect, real)
        servers = [process.name for process in processes if process.program in SERVERS]
        for where, connect in self._connects:
            self._check_connection(where, connect, servers)

    def _check_connection(self, where: tuple[str, ...], connect: str, names: list[str]) -> None:
        try:
            address = parse_address(connect)
        except ValueError:
            self._check_named(where, connect, names)
            return
        if not (address.is_loopback or address.host == "localhost"):
            self._problem(where, "leads off this machine", value=shown(connect))

    def _check_function(self, where: tuple[str, ...], python: str, folder: Path) -> None:
        file, colon, function = python.rpartition(":")
        if not colon or not file.endswith(".py") or not function.isidentifier():
            self._problem(where, "expected file.py:function", value=shown(python))
        elif self._beside(where, folder, file):
            try:
                tree = ast.parse((folder / file).read_bytes())
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self._problem(where, "file does not load", value=file, reason=shown(str(error)))
                return
            defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
            if function not in defined:
                self._problem(
                    where,
                    "no such function",
                    value=function,
                    file=file,
                    allowed=" | ".join(defined[:20]) or None,
                    hint=nearest(function, defined),
                )

    def _beside(self, where: tuple[str, ...], folder: Path, name: str) -> bool:
        """Whether a file of this name lies beside the scenario or in a folder below it."""
        path = Path(os.path.normpath(folder / name))
        if os.path.isabs(name) or not path.resolve().is_relative_to(folder):
            self._problem(where, "leads out of the scenario's folder", value=shown(name))
        elif not path.is_file():
            self._problem(where, "no such file", value=shown(name))
        else:
            return True
        return False

    # Problems

    def _refused(self, where: tuple[str, ...], refused: Refused) -> None:
        for inside, clause in refused.faults:
            self._problems.append(Problem(self._line(where), _place(where) + inside, clause))

    def _problem(self, where: tuple[str, ...], rule: str, **figures: str | int | None) -> None:
        self._problems.append(Problem(self._line(where), _place(where), Clause(rule, dict(figures))))

    def _line(self, where: tuple[str, ...]) -> int:
        """The line of a place, or of what it stands in."""
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 0)


def _place(where: tuple[str, ...]) -> str:
    """``process[2].work`` in the counting of people: the first is 1."""
    words = [f"[{int(word) + 1}]" if word.isdecimal() else f".{shown(word).strip(chr(39))}" for word in where]
    return "".join(words).lstrip(".")


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


def _line_numbers(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and key of a file begins. A quick look, good for messages: no TOML parser that keeps
    positions is worth a dependency."""
    numbers: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = (header[2],)
            if header[1] == "[[":
                index = counts[header[2]] = counts.get(header[2], -1) + 1
                numbers.setdefault(table, number)
                table = (header[2], str(index))
            numbers.setdefault(table, number)
        elif key := _KEY.match(line):
            numbers.setdefault((*table, key[1]), number)
    return numbers
