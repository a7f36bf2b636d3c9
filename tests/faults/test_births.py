"""Only one place brings processes into the world, and it does so from a single thread."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.real import SENSORS, watch
from tests.support.run import ROOT
from tests.support.scenarios import process, scenario

_PACKAGE = ROOT / "sandbox"
_MAY_FORK = (
    "link/worker.py", "link/copies.py", "link/guardians.py", "link/loopback.py", "link/namespace.py", "analysis/measurement/measure.py", "cli/isolate.py",
    "machines/linux/keeper.py", "machines/linux/capabilities.py", "machines/linux/blocking/sensors/idle.py",
    "machines/linux/process/spawn.py", "machines/linux/switching/freezer.py", "machines/linux/room.py",
    "machines/posix/births.py", "machines/posix/keeper.py", "machines/linux/seccomp.py", "analysis/conformance/room.py", "analysis/measurement/examine_linux.py", "analysis/grading/", "analysis/sweep/",
    "programs/", "tui/web.py", "tui/screen_guard.py", "analysis/exploration/crew.py", "machines/linux/stepping/stage.py",
)  # fmt: skip
_FOLDERS = {path for path in _MAY_FORK if path.endswith("/")}
_SINGLE_THREADED = ("kernel/", "machines/", "policies/")

_FORKING_MODULES = {"subprocess", "multiprocessing", "pty", "concurrent", "concurrent.futures"}
_FORKING_CALLS = {
    "fork", "forkpty", "posix_spawn", "posix_spawnp", "Popen", "clone", "vfork", "fork_exec", "run_in_executor",
    "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell",
    "spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe", "os.system", "os.popen",
}  # fmt: skip
_THREADS = {"threading", "_thread", "concurrent", "concurrent.futures", "asyncio", "multiprocessing.pool"}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package, by its path in it."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield path.relative_to(_PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, wherever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def begets(tree: ast.Module) -> list[str]:
    """Where it could start a process."""
    found = [
        f"line {line}: import {name}" for line, name in imported(tree) if name in _FORKING_MODULES | _FORKING_CALLS
    ]
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name, lineno=line):
                names = {name, f"{module}.{name}"}
            case ast.Attribute(attr=name, lineno=line) | ast.Name(id=name, lineno=line):
                names = {name}
            case _:
                continue
        found += [f"line {line}: {name}" for name in names & _FORKING_CALLS]
    return found


def test_f03_processes_are_started_in_few_places() -> None:
    modules = dict(sources())
    assert set(_MAY_FORK) <= {path for path in modules if path in _MAY_FORK} | _FOLDERS, "the list is out of date"
    assert begets(modules["machines/linux/process/spawn.py"]), "the lint is blind"
    assert begets(modules["link/guardians.py"]), "the lint is blind"
    faults = {
        path: found for path, tree in modules.items() if not path.startswith(_MAY_FORK) and (found := begets(tree))
    }
    assert faults == {}


def test_f03_the_kernel_process_starts_no_thread() -> None:
    faults = {
        path: found
        for path, tree in sources()
        if path.startswith(_SINGLE_THREADED)
        and (found := [f"line {line}: import {name}" for line, name in imported(tree) if name in _THREADS])
    }
    assert faults == {}


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
@pytest.mark.parametrize("sensor", SENSORS)
def test_f03_the_kernel_process_has_one_thread(sensor: str) -> None:
    with watch(scenario(*(process(f"p{index}", "cpu 60s") for index in range(3))), sensor=sensor) as run:
        run.dispatched("p1")
        assert len(list(Path(f"/proc/{run.link.os_pid}/task").iterdir())) == 1
