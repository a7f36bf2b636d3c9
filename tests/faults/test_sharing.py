"""Several runs on one machine: each claims real CPUs of its own, and says so where there are none left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from sandbox.machines.linux.cpu_claims import claim_cpus
from sandbox.machines.linux.cpus import assign_cpus
from tests.support.files import BUSY, write_scenario
from tests.support.run import LoggedRun, until

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

_ALL = sorted(os.sched_getaffinity(0))


def test_f61_the_least_used_come_first() -> None:
    claims = [claim_cpus(1) for _ in range(len(_ALL) + 1)]
    try:
        assert [claim.cpus for claim in claims[:-1]] == [[cpu] for cpu in reversed(_ALL)]
        assert [claim.shared for claim in claims[:-1]] == [[]] * len(_ALL)
        assert claims[-1].shared == claims[-1].cpus == [_ALL[-1]]
        claims[0].release()
        claims[-1].release()
        with_room = claim_cpus(1)
        claims.append(with_room)
        assert (with_room.cpus, with_room.shared) == ([_ALL[-1]], [])
    finally:
        for claim in claims:
            claim.release()


def test_f61_more_than_there_are_claims_nothing() -> None:
    assert claim_cpus(len(_ALL) + 1).cpus == []


def test_f61_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    for cpu in _ALL:
        (tmp_path / f"ossandbox-cpu{cpu}-0.lock").symlink_to(target)
    claim = claim_cpus(1)
    assert claim.cpus == [_ALL[-1]], "the next file of it"
    assert not target.exists()
    claim.release()


def test_f61_a_folder_that_takes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.machines.linux.cpu_claims._folder", lambda: str(tmp_path / "nowhere"))
    assert claim_cpus(1).cpus == []


def test_the_engine_keeps_off_the_cpus_of_others() -> None:
    assert assign_cpus(1, [_ALL[0]]).mini == [_ALL[0]]
    if len(_ALL) > 1:
        assert _ALL[0] not in assign_cpus(1, [_ALL[0]]).engine
    if len(_ALL) > 2:
        assert assign_cpus(1, [_ALL[-1]], [_ALL[0]]).engine == _ALL[1:-1]


@pytest.mark.patient
@pytest.mark.skipif(len(_ALL) < 2, reason="one CPU")
def test_f61_runs_side_by_side_take_different_cpus_and_say_when_they_share(tmp_path: Path) -> None:
    runs, mini = [], []
    for number in range(len(_ALL) + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        run = LoggedRun(folder, "run", write_scenario(folder, BUSY), "--quiet")
        mini.append({cpu for os_pid in run.wait_for_children(4) for cpu in os.sched_getaffinity(os_pid)})
        runs.append(run)
    for run in runs:
        run.kill(signal.SIGTERM)
    for run in runs:
        run.wait()
    assert [{cpu} for cpu in reversed(_ALL)] == mini[:-1]
    assert "too: each of them gets a part of it" in runs[-1].stderr
    assert not any("too: each" in run.stderr for run in runs[:-1])
    again = claim_cpus(1)
    assert until(lambda: not again.shared, "the locks are released")
    again.release()
