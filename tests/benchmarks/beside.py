"""Two revisions measured in turn: ``python -m tests.benchmarks NAME… --beside REV``. Its ``--help`` says how."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.benchmarks.figures import Figure, decode
from tests.benchmarks.legacy import MODULES
from tests.benchmarks.revisions import (
    ROOT,
    NoRevision,
    Repository,
    alone,
    cache_folder,
    compile_modules,
    environment,
    orderly_end,
    undisturbed,
)
from tests.benchmarks.rows import other_sizes, rows, table, unmatched

_FOLDER = "tests/benchmarks"
#: How long an interrupted benchmark has to end what it has started.
_END_TIMEOUT_S = 10


class MeasurementFailed(Exception):
    """A benchmark gave no figures; the message says why."""


class Side(NamedTuple):
    """A revision that can be measured."""

    name: str
    root: Path
    python: Path
    legacy: bool

    def figures(self, benchmark: str) -> list[Figure]:
        """One round of a benchmark, in a process of its own."""
        own = [str(ROOT / _FOLDER / "legacy.py")] if self.legacy else ["-m", "tests.benchmarks", "--json", "--rounds=1"]
        status, out, err = _output([str(self.python), "-P", *own, benchmark], self.root)
        try:
            results = decode(out.splitlines())
        except ValueError as error:
            raise MeasurementFailed(f"{self.name}: {error}") from error
        if status or len(results) != 1:
            raise MeasurementFailed(f"{self.name}: {err.strip() or f'no figures, exit status {status}'}")
        return results[0].figures


def _output(command: list[str], root: Path) -> tuple[int, str, str]:
    """Exit status and output of a program that finds the modules of this tree; it does not outlive us."""
    process = subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # ctrl+c comes to us, and we pass it on
    )
    try:
        out, err = process.communicate()
    except BaseException:
        with undisturbed():
            _end(process)
        raise
    return process.returncode, out, err


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)  # by which it ends the servers that it has started
    try:
        process.communicate(timeout=_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def compare(names: Sequence[str], revision: str, rounds: int, as_json: bool) -> int:
    """The whole command; its exit status: 1 where a benchmark could not be compared."""
    cache = cache_folder()
    try:
        with orderly_end(), alone(cache):
            repository = Repository()
            commit = repository.commit(revision)
            legacy = "--json" not in (repository.read(commit, f"{_FOLDER}/__main__.py") or "")
            known = [name for name in names if _there(repository, commit, name, legacy) is not None]
            for name in names:
                if name not in known:
                    _say(f"{name}: {revision} has no such benchmark")
            if not known:
                return 1
            here = Side("here", ROOT, environment(ROOT, cache), legacy=False)
            with repository.worktree(commit, cache / "worktree") as tree:
                there = Side(revision, tree, environment(tree, cache), legacy)
                for side in (here, there):
                    compile_modules(side.root, side.python)
                compared = [_compare_one(name, here, there, rounds, as_json) for name in known]
            return 0 if all(compared) and known == [*names] else 1
    except NoRevision as error:
        _say(str(error))
        return 2


def _there(repository: Repository, commit: str, name: str, legacy: bool) -> str | None:
    """The source of the revision's benchmark."""
    return repository.read(commit, f"{_FOLDER}/{MODULES.get(name, name) if legacy else name}.py")


def _compare_one(name: str, here: Side, there: Side, rounds: int, as_json: bool) -> bool:
    """Measure a benchmark and print it; whether that was possible."""
    try:
        ours, theirs = _in_turn(name, here, there, rounds)
    except MeasurementFailed as error:
        _say(f"{name}: {error}")
        return False
    found = rows(ours, theirs)
    if as_json:
        document = {"benchmark": name, "beside": there.name, "rounds": rounds, "rows": found}
        print(msgspec.json.encode(document).decode(), flush=True)
        return True
    module = MODULES.get(name, name) if there.legacy else name
    sources = [path.read_text() for path in (here.root / _FOLDER / f"{name}.py", there.root / _FOLDER / f"{module}.py")]
    print(f"\n## {name}: here and {there.name}, rounds: {rounds}")
    print("\n".join([*table(found), *unmatched(ours[0], theirs[0], there.name), *other_sizes(*sources)]), flush=True)
    return True


def _in_turn(name: str, here: Side, there: Side, rounds: int) -> tuple[list[list[Figure]], list[list[Figure]]]:
    taken: tuple[list[list[Figure]], list[list[Figure]]] = ([], [])
    for each in range(rounds):
        for side, figures in zip((here, there), taken, strict=True):
            _say(f"{name}: round {each + 1} of {rounds}, {side.name}")
            figures.append(side.figures(name))
    return taken


def _say(text: str) -> None:
    """Beside the figures, on standard error."""
    print(text, file=sys.stderr, flush=True)
