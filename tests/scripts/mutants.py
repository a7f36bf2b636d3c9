"""Which small changes of the code no test notices: ``make mutants``, or ``python -m tests.scripts.mutants --help``.

What a change can be, the operators, is mutmut's. How it runs them is not used: that leaves out whatever is decorated
(every property) and all that stands outside of functions, and takes no sample. Here a place is drawn by a seed, one
change of it is written into a copy of the project, and the tests run there in a fork of a process that has already
imported what is not ours: first those that are about the module, then the rest of ``tests/pure``.

``mutants.toml`` lists changes that change nothing that matters, each with the reason.
"""

from __future__ import annotations

import argparse
import ctypes
import difflib
import importlib
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import libcst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

#: What a change is known by: the file, the function or class, the lines before and after, without blanks.
Key = tuple[str, str, str, str]
#: What is written in place of what.
Change = tuple[libcst.CSTNode, libcst.CSTNode]
ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_suffix(".toml")
#: What is changed, and the tests that are about it, the quick ones first. The first pattern that fits counts.
TESTS = {
    "sandbox/kernel/deadlock.py": "wait_graph deadlock",
    "sandbox/kernel/deadlines.py": "kernel runs metrics policies",
    "sandbox/kernel/hearsay.py": "hearsay lineage stolen runs",
    "sandbox/kernel/operator.py": "kernel runs answers succession predict queues",
    "sandbox/kernel/pacing.py": "kernel predict runs turns",
    "sandbox/kernel/standoffs.py": "inheritance runs",
    "sandbox/kernel/*.py": "kernel runs metrics predict hearsay queues succession inheritance",
    "sandbox/machines/paced.py": "paced",
    "sandbox/machines/*.py": "paced kernel runs metrics predict old_recordings",
    "sandbox/policies/host/factory.py": "policy_files succession",
    "sandbox/policies/host/remote.py": "remote_policy answers",
    "sandbox/policies/host/replay.py": "remote_policy judge answers",
    "sandbox/policies/host/*.py": "answers policy_files guard judge paths",
    "sandbox/policies/template*.py": "policy_files",
    "sandbox/policies/choice.py": "run_options policies",
    "sandbox/policies/scripted.py": "runs turns policy_lessons",
    "sandbox/policies/__init__.py": "run_options policies policy_files judge",
    "sandbox/policies/*.py": "runs queues policies inheritance turns run_options references language",
    "sandbox/views/transitions.py": "diagram",
    "sandbox/views/*.py": "metrics runs kernel past agreement retirement",
    "sandbox/analysis/conformance/tries.py": "tries",
    "sandbox/analysis/conformance/*.py": "conformance judge",
}
#: Of these folders only the parts that decide something: not entry points, wording, or the room of processes. Of the
#: machines only the virtual one: the parts of the real ones do nothing but what real processes make them do, and those
#: are in ``tests/real``.
OURS = (
    "sandbox/kernel/[!_]*.py",
    "sandbox/machines/virtual.py",
    "sandbox/machines/simulate.py",
    "sandbox/machines/paced.py",
    "sandbox/policies/**/*.py",
    "sandbox/views/history.py",
    "sandbox/views/intervals.py",
    "sandbox/views/metrics.py",
    "sandbox/views/transitions.py",
    "sandbox/analysis/conformance/[dlstvw]*.py",
)
#: What tests need that is not ours.
IMPORTED = (
    "pytest hypothesis.strategies msgspec polib psutil pyte rich.console textual.app textual.widgets babel.messages"
)
#: CPU seconds for the tests about a module, and for the rest; more is a hang, which is noticed. On a busy machine the
#: clock may take so many times as long.
FIRST_S, REST_S, BUSY = 40, 240, 5
MEMORY_BYTES = 4 << 30
PURE = "tests/pure/"
_FAILED = re.compile(rf"^(?:FAILED|ERROR) ({PURE}.+?)(?: - .*)?$", re.MULTILINE)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class Visitor(MutationVisitor):
    """Decorated functions too: nothing is wrapped here."""

    def _skip_node_and_children(self, node: libcst.CSTNode) -> bool:
        return not isinstance(node, libcst.FunctionDef) and super()._skip_node_and_children(node)


@dataclass(frozen=True)
class Mutant:
    """A changed file. ``inside``: the function or class; ``was`` and ``now``: the lines that differ, without blanks."""

    path: str
    line: int
    inside: str
    was: str
    now: str
    text: str = field(repr=False)

    @property
    def key(self) -> Key:
        return self.path, self.inside, self.was, self.now

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.inside}\n  - {self.was}\n  + {self.now}"


class Source:
    """A file and the places in it that can be changed, each in one way or several."""

    def __init__(self, path: str) -> None:
        self.path, self.text = path, (ROOT / path).read_text("utf-8")
        wrapper = MetadataWrapper(libcst.parse_module(self.text))
        visitor = Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
        self._module = wrapper.visit(visitor)
        self._positions = wrapper.resolve(PositionProvider)
        self.places: dict[tuple[int, int, int, int], list[Change]] = {}
        for mutation in visitor.mutations:
            at = self._positions.get(mutation.original_node)
            where = (at.start.line, at.start.column, at.end.line, at.end.column) if at else (0, 0, 0, 0)
            self.places.setdefault(where, []).append((mutation.original_node, mutation.mutated_node))

    def mutant(self, change: Change) -> Mutant | None:
        """The file with this change; None where it is the same or no Python."""
        changed = deep_replace(self._module, *change)
        assert isinstance(changed, libcst.Module)
        try:
            compile(changed.code, self.path, "exec")
        except SyntaxError:
            return None
        old, new = self.text.splitlines(), changed.code.splitlines()
        if old == new:
            return None
        line = next(number for number, text in enumerate(old, 1) if number > len(new) or new[number - 1] != text)
        while old[-1] == new[-1] and min(len(old), len(new)) > line:  # to compare whole files takes long
            del old[-1], new[-1]
        lines = [text for text in difflib.ndiff(old[line - 1 :], new[line - 1 :]) if text[0] in "+-"]
        was, now = (" ".join(text[2:].strip() for text in lines if text[0] == sign) for sign in "-+")
        return Mutant(self.path, line, self._inside(line), was, now, changed.code)

    def _inside(self, line: int) -> str:
        names = [
            (at.start.line, node.name.value)
            for node, at in self._positions.items()
            if isinstance(node, libcst.FunctionDef | libcst.ClassDef) and at.start.line <= line <= at.end.line
        ]
        return ".".join(name for _, name in sorted(names))

    def all(self) -> Iterator[Mutant]:
        for _, changes in sorted(self.places.items()):
            for change in changes:
                mutant = self.mutant(change)
                if mutant is not None:
                    yield mutant

    def draw(self, chance: random.Random) -> Mutant | None:
        return self.mutant(chance.choice(self.places[chance.choice(sorted(self.places))]))


def sources(only: Sequence[str]) -> list[str]:
    """The files that are changed, or those of them that fit any of these patterns."""
    found = sorted({str(path.relative_to(ROOT)) for pattern in OURS for path in ROOT.glob(pattern)})
    return [path for path in found if not only or any(fnmatch(path, f"*{pattern}*") for pattern in only)]


def sample(paths: Sequence[str], number: int, seed: int, listed: Listed) -> list[Mutant]:
    """So many, drawn by this seed: a file by its length, a place in it, a change of that place."""
    chance, read, drawn = random.Random(seed), {}, {}
    weights = [(ROOT / path).stat().st_size for path in paths]
    for _ in range(20 * number):
        path = chance.choices(paths, weights)[0]
        if path not in read:
            read[path] = Source(path)
        mutant = read[path].draw(chance) if read[path].places else None
        if mutant is not None and mutant not in listed:
            drawn[mutant.key] = mutant
        if len(drawn) == number:
            break
    return list(drawn.values())


def everything(paths: Sequence[str], listed: Listed) -> list[Mutant]:
    """All of these files, once each; says what is listed and is no more."""
    found = {mutant.key: mutant for path in paths for mutant in Source(path).all()}
    for key in sorted(key for key in listed.single if key[0] in paths and key not in found):
        print(f"listed in {LISTED.name}, but there is no such change: {key}")
    return [mutant for mutant in found.values() if mutant not in listed]


class Listed:
    """The changes that change nothing that matters, each with its reason: single ones, and kinds, which are told by what
    is written in place of what."""

    def __init__(self) -> None:
        listed = tomllib.loads(LISTED.read_text("utf-8"))
        self.single: set[Key] = set()
        self._kinds: list[tuple[str, str]] = []
        for entry in listed["mutant"]:
            assert entry["reason"]
            self.single.add((entry["path"], entry["inside"], entry["was"], entry["now"]))
        for entry in listed["kind"]:
            assert entry["reason"]
            self._kinds.append((entry["was"], entry["now"]))

    def __contains__(self, mutant: Mutant) -> bool:
        return mutant.key in self.single or any(mutant.was.replace(*kind) == mutant.now for kind in self._kinds)


class Laboratory:
    """A copy of the project in which changes are tried, one at a time."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder) / "project"
        skip = shutil.ignore_patterns(".git", ".venv", "__snapshots__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, self.folder, ignore=skip, symlinks=True)
        self._said = Path(folder) / "said"
        everybody = sorted(path.name for path in (self.folder / PURE).glob("test_*.py"))
        self._everybody = [PURE + name for name in everybody]
        for name in IMPORTED.split():
            importlib.import_module(name)
        self._prctl = ctypes.CDLL(None).prctl
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def first(self, path: str) -> list[str]:
        """The tests that are about this module."""
        about = next(names for pattern, names in TESTS.items() if fnmatch(path, pattern))
        return [f"{PURE}test_{name}.py" for name in about.split()]

    def notices(self, mutant: Mutant, all_tests: bool) -> str | None:
        """Which test has noticed it, or what else; None if it lives."""
        file = self.folder / mutant.path
        before = file.read_bytes()
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()
        file.write_text(mutant.text, "utf-8")
        try:
            first = self.first(mutant.path)
            rest = [name for name in self._everybody if name not in first]
            return self.fails(first, FIRST_S) or (self.fails(rest, REST_S) if all_tests else None)
        finally:
            file.write_bytes(before)

    def fails(self, tests: Sequence[str], limit_s: int) -> str | None:
        """The first of these tests that fails, in a fork."""
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = self._test(tests, limit_s)
            sys.stdout.flush()
            os._exit(status)
        until = time.monotonic() + limit_s * BUSY
        while time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        end_children()
        if status == 0:
            return None
        said = self._said.read_text("utf-8", "replace")
        failed = _FAILED.search(said)
        return failed[1] if failed else f"no end, or none that pytest tells ({status})"

    def _test(self, tests: Sequence[str], limit_s: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        with self._said.open("wb") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        os.chdir(self.folder)
        os.environ |= {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        sys.path[0] = str(self.folder)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("sandbox", "tests")]:
            del sys.modules[name]

        import pytest
        from hypothesis import Phase, settings

        settings.register_profile("quick", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("quick")
        how = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
        return int(pytest.main([*how, "-m", "not thorough", *tests]))


def end_children() -> None:
    """Whatever a changed program has left behind has become a child of ours."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.01)


def try_all(mutants: Sequence[Mutant], all_tests: bool) -> list[Mutant]:
    """Those that nobody notices."""
    lived = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        laboratory = Laboratory(folder)
        noticing: set[str] = set()
        for number, mutant in enumerate(mutants, 1):
            began = time.monotonic()
            noticed = laboratory.notices(mutant, all_tests)
            took = f"{number}/{len(mutants)} {time.monotonic() - began:.1f} s"
            print(f"{took}  {noticed or 'LIVES'}\n  {mutant}", flush=True)
            if noticed is None:
                lived.append(mutant)
            else:
                noticing.add(noticed)
        wrong = laboratory.fails(sorted(test for test in noticing if test.startswith(PURE)), REST_S)
        if wrong:
            raise SystemExit(f"{wrong} fails without any change: it has noticed nothing.")
    return lived


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scripts.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="PATTERN", help="of the files only these: policies/mlfq, kernel/")
    parser.add_argument("--sample", type=int, metavar="N", help="so many, else all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", action="store_true", help="ask only the tests that are about the module")
    parser.add_argument("--least", type=float, default=95, metavar="PERCENT", help="fail if fewer are noticed")
    parser.add_argument("--list", action="store_true", help="show the changes, try none")
    asked = parser.parse_args()
    os.nice(19)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the copy is cleared away
    paths, listed = sources(asked.only), Listed()
    mutants = sample(paths, asked.sample, asked.seed, listed) if asked.sample else everything(paths, listed)
    if asked.list:
        print(*mutants, sep="\n")
        return 0
    lived = try_all(mutants, not asked.first)
    print(*("", "Nobody noticed:", *lived) if lived else (), sep="\n")
    share = 100 * (1 - len(lived) / len(mutants)) if mutants else 100.0
    print(f"{len(mutants) - len(lived)} of {len(mutants)} changes were noticed: {share:.1f} %")
    return int(share < asked.least)


if __name__ == "__main__":
    sys.exit(main())
