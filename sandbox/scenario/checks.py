"""Checks of scenarios that concern more than one value, or files in the scenario's folder."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path

from sandbox import policies
from sandbox.model.commands import Choose, Kill, Press, Type, UsePolicy
from sandbox.model.problems import Problems, Where
from sandbox.model.spec import CLIENT, MAX_BYTES, MAX_FILES, SERVERS, At, ClientSpec, MachineSpec, ProcessSpec
from sandbox.model.values import BadValue, nearest, shown
from sandbox.scenario.tables import Numbered
from sandbox.util.addresses import parse_address
from sandbox.util.paths import LeadsOut, files_below, is_below, read_below
from sandbox.util.timeout import ALARM


class Checks:
    """The checks of a scenario in a folder. Faults are added to the problems. ``runs``: whether policies' files may be
    run for the checks."""

    def __init__(self, problems: Problems, folder: Path, runs: bool) -> None:
        self._problems = problems
        self._folder = folder
        self._runs = runs

    def policy(self, machine: MachineSpec | None, raw: object) -> None:
        """Check that the policy exists and accepts its parameters. ``machine`` None: other keys of the machine are
        wrong, so only the policy's name in the table ``raw`` is checked."""
        if machine is None:
            named = raw.get("policy") if isinstance(raw, dict) else None
            machine = MachineSpec(policy=named) if isinstance(named, str) else MachineSpec()
        if not self._may_build(("machine", "policy"), machine.policy):
            return
        try:
            policies.build(machine, str(self._folder), ALARM)
        except BadValue as bad:
            inside, what = bad.faults[0]
            about = "parameters" if inside or what.rule == "no such parameter" else "policy"
            self._problems.add_bad_value(("machine", about), bad)

    def _may_build(self, where: Where, policy: str) -> bool:
        """Whether a policy may be constructed as a check: it is built in, or its file is in the scenario's folder and
        may be run. If it may not be run, only check that the file defines the class."""
        file, colon, name = policy.rpartition(":")
        if not colon or not self.beside(where, file):
            return not colon
        if self._runs:
            return True
        self._class(where, file, name)
        return False

    def _class(self, where: Where, file: str, name: str) -> None:
        tree = self._parsed(where, file)
        if tree is not None and name not in _names(tree):
            self._problems.add(where, "no such class", value=shown(name), file=file)

    def names(self, processes: Iterable[ProcessSpec], told: Collection[str]) -> None:
        """Check that no two processes, copies included, have the same name, and no two servers the same address.
        ``told``: duplicate names that have already been reported."""
        names: set[str] = set()
        addresses: set[str] = set()
        for process in processes:
            if process.name in names and process.name not in told:
                self._problems.add(("process",), "two processes of one name", value=process.name)
            names.add(process.name)
            if process.program in SERVERS and not process.listen.endswith(":0"):
                if process.listen in addresses:
                    self._problems.add(("process",), "two servers at one address", value=process.listen)
                addresses.add(process.listen)

    def script(self, script: Iterable[Numbered[At]], names: Collection[str]) -> None:
        """Check that the script names only existing processes and policies."""
        for index, at in script:
            where = ("at", str(index), "do")
            if isinstance(at.do, (Kill, Type, Press)) and not at.do.who.isdecimal():
                self._named(where, at.do.who, names)
            elif isinstance(at.do, Choose) and not at.do.who.isdecimal() and not {"/", "#"} & {*at.do.who}:
                self._named(where, at.do.who, names)  # names of children, with / or #, are not known yet
            elif isinstance(at.do, UsePolicy) and self._may_build(where, at.do.policy):
                try:
                    policies.build(MachineSpec(policy=at.do.policy), str(self._folder), ALARM)
                except BadValue as bad:
                    self._problems.add_bad_value(where, bad)

    def _named(self, where: Where, name: str, names: Collection[str]) -> None:
        if name not in names:
            allowed, hint = " | ".join(sorted(names)[:20]), nearest(name, sorted(names))
            self._problems.add(where, "no such process", value=shown(name), allowed=allowed, hint=hint)

    def clients(self, clients: Iterable[Numbered[ClientSpec]], processes: Iterable[ProcessSpec]) -> None:
        """Check that unscheduled clients connect to processes that may listen, and have different names."""
        real = [process.name for process in processes if process.work is None and process.program != CLIENT]
        names: set[str] = set()
        for index, client in clients:
            if client.name in names:
                self._problems.add(("client", str(index), "name"), "two clients of one name", value=client.name)
            names.add(client.name)
            self._connection(("client", str(index), "connect"), client.connect, real)

    def connections(self, connections: Iterable[tuple[Where, str]], processes: Iterable[ProcessSpec]) -> None:
        """Check the addresses of client processes. They must be known at the start, so only built-in servers can be
        named."""
        servers = [process.name for process in processes if process.program in SERVERS]
        for where, connect in connections:
            self._connection(where, connect, servers)

    def _connection(self, where: Where, connect: str, names: Collection[str]) -> None:
        try:
            address = parse_address(connect)
        except ValueError:
            self._named(where, connect, names)
            return
        if not (address.is_loopback or address.host == "localhost"):
            self._problems.add(where, "leads off this machine", value=shown(connect))

    def function(self, where: Where, python: str) -> None:
        """Check that ``file.py:function``, or ``file.py`` alone, exists; the file is parsed, not run."""
        file, colon, function = python.rpartition(":") if ":" in python else (python, "", "")
        if not file.endswith(".py") or (colon and not function.isidentifier()):
            self._problems.add(where, "expected file.py:function", value=shown(python))
        elif self.beside(where, file):
            tree = self._parsed(where, file)
            if tree is None:
                return
            defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
            if colon and function not in defined:
                self._problems.add(
                    where,
                    "no such function",
                    value=function,
                    file=file,
                    allowed=" | ".join(defined[:20]) or None,
                    hint=nearest(function, defined),
                )

    def steps(self, machine: MachineSpec, processes: Iterable[tuple[Where, ProcessSpec]], clients: int) -> None:
        """Check a scenario whose turns are lines or instructions: all processes must be Python programs with the hook,
        there must be one mini CPU and no clients, and the folder must be small enough to be copied."""
        if machine.cpus != 1:
            self._problems.add(("machine", "cpus"), "steps on one CPU", value=machine.cpus)
        for where, process in processes:
            if process.python is None:
                self._problems.add(where, "only Python steps", value=process.runs)
            elif not process.hook:
                self._problems.add((*where, "hook"), "steps need the hook")
            for key in ("memory", "address_space"):
                if getattr(process, key) is not None:
                    self._problems.add((*where, key), "no limit where a turn is a line", key=key)
        if clients:
            self._problems.add(("client",), "no clients where a turn is a line")
        names = [*files_below(str(self._folder), MAX_FILES)]
        sizes = [path.stat().st_size for name in names if (path := self._folder / name).is_file()]
        if len(names) > MAX_FILES or sum(sizes) > MAX_BYTES:
            allowed = f"{MAX_FILES} files, {MAX_BYTES >> 20} MB"
            self._problems.add(("machine", "slice"), "folder is too large", value=self._folder.name, allowed=allowed)

    def _parsed(self, where: Where, file: str) -> ast.Module | None:
        try:
            return ast.parse(read_below(str(self._folder), file))
        except (OSError, LeadsOut, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._problems.add(where, "file does not load", value=file, reason=shown(str(error)))
            return None

    def beside(self, where: Where, name: str) -> bool:
        """Whether a file exists in or below the scenario's folder and is not reached through a link; if not, add a
        problem."""
        return lies_beside(self._problems, where, str(self._folder), name)


def lies_beside(problems: Problems, where: Where, folder: str, name: str) -> bool:
    """Whether a file exists in or below the folder; if not, add a problem."""
    try:
        if is_below(folder, name):
            return True
    except LeadsOut:
        problems.add(where, "leads out of the scenario's folder", value=shown(name))
    else:
        problems.add(where, "no such file", value=shown(name))
    return False


def _names(tree: ast.Module) -> set[str]:
    """Return all names that a file may define at its top level, as a class may also be imported or assigned."""
    return {
        name
        for node in ast.walk(tree)
        for name in (
            *([node.name] if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else ()),
            *([node.id] if isinstance(node, ast.Name) else ()),
            *([node.asname or node.name] if isinstance(node, ast.alias) else ()),
        )
    }
