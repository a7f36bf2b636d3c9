"""An earlier revision to be run: its files as a git worktree, and an environment with what it asks for."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Signals by which a person, a closed window or the system ends a program.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NoRevision(Exception):
    """A revision cannot be had; the message says why."""


class Repository:
    """What git knows of the project."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        found = self._git("rev-parse", "--show-toplevel")
        if found.returncode or Path(found.stdout.strip()).resolve() != root:
            raise NoRevision(f"{root} is no git repository: there are no revisions to compare with")

    def commit(self, revision: str) -> str:
        """The full name of a commit."""
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found.returncode:
            raise NoRevision(f"no revision {revision}")
        return found.stdout.strip()

    def read(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit; None where there is no such file."""
        found = self._git("show", f"{commit}:{path}")
        return None if found.returncode else found.stdout

    @contextmanager
    def worktree(self, commit: str, folder: Path) -> Iterator[Path]:
        """All files of a commit in this folder, for as long as the context lasts."""
        self._remove(folder)  # what a killed comparison has left
        try:
            # A hook of the person's own is for the person's own checkouts.
            added = self._git(
                "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--quiet", str(folder), commit
            )
            if added.returncode:
                raise NoRevision(f"git worktree: {added.stderr.strip()}")
            yield folder
        finally:
            with undisturbed():
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        if folder.exists():
            self._git("worktree", "remove", "--force", "--force", str(folder))
            shutil.rmtree(folder, ignore_errors=True)
        self._git("worktree", "prune")

    def _git(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(self.root), *words], capture_output=True, text=True, check=False)


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ossandbox-benchmarks"


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """No second comparison at the same time: each would measure the other."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NoRevision(f"another comparison is running (it holds {lock.name})") from None
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that end programs are ignored, here and in programs started meanwhile."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def orderly_end() -> Iterator[None]:
    """All signals that end programs let ``finally`` clauses run."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def requirements(pyproject: str) -> list[str]:
    """What a revision asks for, for itself and for its tests."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {})
    wanted = list(project["dependencies"])
    for requirement in extras.get("test", []):
        own = re.fullmatch(rf"{project['name']}\[([\w,-]+)\]", requirement)  # extras that the tests take in
        wanted += [each for extra in own[1].split(",") for each in extras[extra]] if own else [requirement]
    return wanted


def environment(root: Path, cache: Path) -> Path:
    """The Python of an environment with all that this tree asks for, without the project itself, which is imported from
    its tree. It is made at most once for the same requirements."""
    constraints = root / "constraints.txt"
    wanted = requirements((root / "pyproject.toml").read_text())
    fixed = constraints.read_text() if constraints.exists() else ""
    key = hashlib.sha256(repr((wanted, fixed, sys.version, sys.base_prefix)).encode()).hexdigest()[:16]
    folder = cache / f"environment-{key}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"{folder}: an environment is made, once", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        limits = ["--constraint", str(constraints)] if fixed else []
        _run([str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *limits, *wanted])
        complete.touch()
    return python


def compile_modules(root: Path, python: Path) -> None:
    """So that no first run is slower than the others."""
    _run([str(python), "-m", "compileall", "-q", str(root / "sandbox"), str(root / "tests")])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRevision(f"{' '.join(command[:5])}: {(done.stderr or done.stdout).strip()}")
