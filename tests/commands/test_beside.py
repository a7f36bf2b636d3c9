"""Revisions to be compared: git's worktrees come and go, and a benchmark does not outlive who started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import beside
from tests.benchmarks.beside import MeasurementFailed, Side
from tests.benchmarks.revisions import NoRevision, Repository, alone

#: A package of benchmarks as small as can be: it prints what it is called with.
PRINTS = """
import json, sys
print(json.dumps({"benchmark": sys.argv[-1], "figures": [
    {"name": " ".join(sys.argv[1:]), "value": 2, "unit": "ms", "better": "less", "beside": []}]}))
"""
FAILS = 'import sys\nsys.exit("no such machine")\n'


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", folder, *identity, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two commits, ``old`` and the present one, and a change that nobody has committed."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    for text in ("old", "new"):
        (root / "file").write_text(text)
        git(root, "add", "file")
        git(root, "commit", "--quiet", "--message", text)
    git(root, "tag", "old", "HEAD~1")
    (root / "file").write_text("changed")
    return Repository(root)


def untouched(repository: Repository) -> bool:
    worktrees = git(repository.root, "worktree", "list").splitlines()
    return len(worktrees) == 1 and (repository.root / "file").read_text() == "changed"


def test_a_worktree_has_the_old_files_and_is_removed_in_the_end(repository: Repository, tmp_path: Path) -> None:
    with repository.worktree(repository.commit("old"), tmp_path / "tree") as tree:
        assert (tree / "file").read_text() == "old"
    assert not tree.exists()
    assert untouched(repository)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_worktree_is_removed_whatever_happens(
    repository: Repository, tmp_path: Path, error: type[BaseException]
) -> None:
    tree = tmp_path / "tree"

    def compare() -> None:
        with repository.worktree(repository.commit("old"), tree):
            (tree / "written").touch()
            raise error

    with pytest.raises(error):
        compare()
    assert not tree.exists()
    assert untouched(repository)


def test_what_a_killed_comparison_has_left_is_no_hindrance(repository: Repository, tmp_path: Path) -> None:
    git(repository.root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "HEAD")
    with repository.worktree(repository.commit("old"), tmp_path / "tree") as tree:
        assert (tree / "file").read_text() == "old"
    assert untouched(repository)


def test_no_hook_of_the_person_is_run(repository: Repository, tmp_path: Path) -> None:
    hook = repository.root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    with repository.worktree(repository.commit("old"), tmp_path / "tree"):
        pass
    assert not (tmp_path / "hooked").exists()


def test_a_file_of_a_revision_is_read_without_a_checkout(repository: Repository) -> None:
    commit = repository.commit("old")
    assert repository.read(commit, "file") == "old"
    assert repository.read(commit, "tests/benchmarks/past.py") is None


@pytest.mark.parametrize("revision", ["nope", "--all", ""])
def test_a_revision_that_does_not_exist_is_said(repository: Repository, revision: str) -> None:
    with pytest.raises(NoRevision, match=f"no revision {revision}"):
        repository.commit(revision)


def test_outside_of_a_repository_there_are_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(NoRevision, match="no git repository"):
        Repository(tmp_path)


def test_two_comparisons_would_measure_each_other(tmp_path: Path) -> None:
    with alone(tmp_path / "cache"), pytest.raises(NoRevision, match="another comparison"), alone(tmp_path / "cache"):
        pass
    with alone(tmp_path / "cache"):
        pass


def side(folder: Path, source: str) -> Side:
    """A tree whose benchmarks are this source."""
    package = folder / "tests" / "benchmarks"
    package.mkdir(parents=True)
    (folder / "tests" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(source)
    return Side("there", folder, Path(sys.executable), legacy=False)


def test_a_side_is_measured_by_its_own_modules_one_round_in_a_process(tmp_path: Path) -> None:
    (found,) = side(tmp_path, PRINTS).figures("past")
    assert (found.name, found.value) == ("--json --rounds=1 past", 2)


def test_a_side_that_cannot_be_measured_says_why(tmp_path: Path) -> None:
    with pytest.raises(MeasurementFailed, match="there: no such machine"):
        side(tmp_path, FAILS).figures("past")


def test_a_side_that_prints_something_else_is_not_misread(tmp_path: Path) -> None:
    with pytest.raises(MeasurementFailed, match="there: no figures: 'speed 12'"):
        side(tmp_path, "print('speed 12')").figures("past")


def test_an_older_revision_whose_benchmark_is_made_differently_is_said(tmp_path: Path) -> None:
    older = side(tmp_path, "")._replace(legacy=True)
    (tmp_path / "tests" / "benchmarks" / "past.py").write_text("def main(): print('fast')")
    with pytest.raises(MeasurementFailed, match="made differently"):
        older.figures("past")


def test_a_benchmark_that_the_revision_lacks_is_said(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(beside, "Repository", lambda: repository)
    assert beside.compare(["past", "growth"], "old", 5, as_json=False) == 1
    assert capsys.readouterr().err == "past: old has no such benchmark\ngrowth: old has no such benchmark\n"
    assert beside.compare(["past"], "nope", 5, as_json=False) == 2
    assert capsys.readouterr().err == "no revision nope\n"


def test_an_interrupted_benchmark_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def communicate(self, *arguments: object, **options: object) -> tuple[str, str]:
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().communicate(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        side(tmp_path, "import time\ntime.sleep(60)\n").figures("past")
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)
