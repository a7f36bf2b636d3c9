"""Who would see our stops: known by its command line, or, of a shell, by the group that it gives a job. Told once."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.switching.recipe import RecipeInForce
from sandbox.machines.linux.switching.watchers import is_watched, watches

JOBS, OTHERS = "watches its jobs", "traces others"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("bash", JOBS),
        ("bash --norc -i", JOBS),
        ("bash --rcfile x.rc", JOBS),
        ("zsh -f +o promptsp -i", JOBS),
        ("zsh -o extendedglob", JOBS),
        ("bash -O extglob x.sh", None),
        ("bash -o monitor x.sh", JOBS),
        ("/bin/ksh x.sh", None),
        ("sh -c 'set -m; true & wait'", JOBS),
        ("zsh -c 'setopt monitor; true & fg'", JOBS),
        ("sh -ec true", None),
        ("-bash", JOBS),  # a login shell
        ("su -c true", JOBS),
        ("strace -f true", OTHERS),
        ("python3 x.py", None),
    ],
)
def test_who_watches_is_known_by_the_command_line(command: str, found: str | None) -> None:
    assert watches(shlex.split(command)) == found


@pytest.mark.parametrize(
    ("shell", "script", "found"),
    [
        ("bash", "set -m; sleep 60 & echo $!; wait", True),  # others want a terminal for it
        ("bash", "sleep 60 & echo $!; wait", False),
        ("zsh", "sleep 60 & echo $!; wait", True),
        ("fish", "sleep 60 & echo $last_pid; wait", True),
        ("tcsh", "sh -c 'echo $$; exec sleep 60'; true", True),
    ],
)
def test_a_shell_that_watches_is_known_by_its_jobs_and_its_name(
    shell: str, script: str, found: bool, tmp_path: Path
) -> None:
    """Whatever the name of the script."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "script").write_text(f"#!{path}\n{script}\n")
    (tmp_path / "script").chmod(0o755)
    with subprocess.Popen([tmp_path / "script"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        job = int(process.stdout.readline())
        try:
            assert is_watched(job, process.pid) is found
        finally:
            os.kill(job, 9)


class Told:
    """What is told of whom."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def fault(self, _: Any, what: str, name: str) -> None:
        self.all.append((name, what))


class Process:
    """One of a family."""

    def __init__(self, name: str, parent: Process | None = None) -> None:
        self.spec, self.parent, self.stops = type("Spec", (), {"name": name, "command": [name]})(), parent, 0
        self.os_pid = 0


def test_once_is_enough_for_a_program_and_what_it_starts() -> None:
    told: Any = Told()
    recipe = RecipeInForce("sequential", "sequential", None, "", ProcessTable(), told)
    su: Any = Process("su")
    shell: Any = Process("-zsh", su)
    another: Any = Process("bash", shell)
    tracer: Any = Process("strace", another)
    for each in (su, shell, another, su, tracer, tracer):
        recipe.look_at(each)
    assert told.all == [("su", JOBS), ("strace", OTHERS)]
    stranger: Any = Process("sleep", Process("sh"))
    assert recipe.is_told_of(shell), "it may be su that continues it"
    assert not recipe.is_told_of(stranger)


class Freezer:
    """Takes whomever it is given."""

    helper = 0

    def __init__(self, _: Any) -> None: ...

    def take(self, child: Any) -> None:
        child.leaf = self


def test_one_that_still_runs_when_the_freezer_takes_over_gets_no_signal_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sandbox.machines.linux.switching.recipe.Freezer", Freezer)
    table: Any = ProcessTable()
    waits: Any = Process("waits")
    waits.leaf = waits.mode = None
    table.by_os_pid[waits.os_pid] = waits
    RecipeInForce("freezer", "overlapped", object(), "", table, Told()).look_at_handlers([waits])  # type: ignore[arg-type]
    assert waits.leaf is not None
