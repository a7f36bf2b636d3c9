"""FAULTS rows 51 and 52: nothing runs that nobody has named, and no file that a file names leads out of its folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import wording
from sandbox.analysis.whatif.derive import Load
from sandbox.analysis.whatif.report import what_if
from sandbox.lessons.text import lesson_text
from sandbox.link.wire import encode_command
from sandbox.model.commands import UsePolicy
from sandbox.model.events import Clause, Fault, Operator
from sandbox.model.problems import BadInput
from sandbox.model.values import BadValue
from sandbox.policies import choice
from sandbox.scenario import find, load
from sandbox.trace.header import describe
from sandbox.trace.load import Recording
from sandbox.trace.record import Recorder
from sandbox.tui.config import config_file, read_config
from sandbox.util.paths import LeadsOut, new_file, read_below
from tests.support.scenarios import simulate

EVIL = "import pathlib\npathlib.Path(__file__).with_name('RAN').touch()\nfrom sandbox.policies import Policy\nclass X(Policy): pass\n"
JOB = '[[process]]\nname = "a"\nwork = ["cpu 10ms"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario's folder, beside which lies what it must not reach."""
    below = tmp_path / "scenarios"
    (below / "sub").mkdir(parents=True)
    for path in (tmp_path / "x.py", below / "x.py", below / "sub" / "x.py"):
        path.write_text(EVIL)
    (tmp_path / "x.md").write_text("# secret\n")
    (below / "x.md").write_text("# lesson\n")
    (below / "link").symlink_to(tmp_path)
    (below / "link.py").symlink_to(tmp_path / "x.py")
    (below / "link.md").symlink_to(tmp_path / "x.md")
    (below / "inside.py").symlink_to("x.py")
    if hasattr(os, "mkfifo"):  # elsewhere there are none
        os.mkfifo(below / "fifo.py")
        os.mkfifo(below / "fifo.md")
    return below


def ran(folder: Path) -> list[str]:
    """Where code of ours has run that should not have."""
    return sorted(str(path.relative_to(folder.parent)) for path in folder.parent.rglob("RAN"))


def problems(folder: Path, text: str, runs: bool = True) -> list[str]:
    (folder / "it.toml").write_text(text)
    try:
        load(folder / "it.toml", runs)
    except BadInput as bad:
        return [problem.what.rule for problem in bad.problems]
    return []


KEYS = {
    "policy": ('[machine]\npolicy = "{}:X"\n' + JOB, ".py"),
    "at": (JOB + '[[at]]\ntime = "1ms"\ndo = "policy {}:X"\n', ".py"),
    "python": ('[[process]]\npython = "{}"\n', ".py"),
    "function": ('[[process]]\npython = "{}:X"\n', ".py"),
    "lesson": ('lesson = "{}"\n' + JOB, ".md"),
}
OUT = ["../x", "sub/../../x", "{above}/x", "link/x", "link", "inside", "sub/../x", "./../x"]


@pytest.mark.parametrize("way", OUT)
@pytest.mark.parametrize("key", KEYS)
def test_f52_no_key_leads_out_of_the_folder(folder: Path, key: str, way: str) -> None:
    text, ending = KEYS[key]
    if (key, way) == ("lesson", "inside"):
        (folder / "inside.md").symlink_to("x.md")
    found = problems(folder, text.format(way.format(above=folder.parent) + ending))
    assert found == ["leads out of the scenario's folder"]
    assert ran(folder) == []


@pytest.mark.parametrize("key", KEYS)
def test_f52_what_is_no_plain_file_is_none(folder: Path, key: str) -> None:
    text, ending = KEYS[key]
    assert problems(folder, text.format("fifo" + ending)) == ["no such file"]
    assert problems(folder, text.format("sub"))[:1] != []


def test_f52_the_text_in_another_language_goes_by_the_same_door(folder: Path) -> None:
    (folder / "x.zh.md").symlink_to(folder.parent / "x.md")
    (folder / "it.toml").write_text('lesson = "x.md"\n' + JOB)
    assert lesson_text(load(folder / "it.toml"), "zh") == "# lesson\n"


@pytest.mark.parametrize("name", ["x.py", "sub/x.py", "./x.py"])
def test_what_lies_beside_or_below_is_read(folder: Path, name: str) -> None:
    assert read_below(str(folder), name) == EVIL.encode()
    assert problems(folder, KEYS["policy"][0].format(name)) == []


@pytest.mark.parametrize("name", ["", ".", "..", "/", "\0", "x\0.py", "../scenarios/x.py"])
def test_odd_names(folder: Path, name: str) -> None:
    with pytest.raises((LeadsOut, OSError)):
        read_below(str(folder), name)


# What is run


def test_f51_to_check_a_scenario_runs_nothing(folder: Path) -> None:
    for key in ("policy", "at"):
        assert problems(folder, KEYS[key][0].format("x.py"), runs=False) == []
        assert problems(folder, KEYS[key][0].format("x.py").replace(":X", ":Y"), runs=False) == ["no such class"]
    assert ran(folder) == []


@pytest.mark.parametrize("way", ["x.py:X", "../x.py:X", "{above}/x.py:X", "link/x.py:X"])
def test_f51_a_list_of_settings_names_no_file(folder: Path, way: str) -> None:
    text = f'{JOB}[[whatif]]\nname = "other"\npolicy = "{way.format(above=folder.parent)}"\n'
    for runs in (True, False):
        assert problems(folder, text, runs) == ["policy by name only"]
    assert ran(folder) == []


WAYS = ["x.py:X", "{folder}/x.py:X", "../scenarios/x.py:X", "link/x.py:X"]


def recording(folder: Path, way: str, key: str) -> Path:
    """A recording that names a file, in one of the places where one can."""
    (folder / "it.toml").write_text(JOB)
    scenario = load(folder / "it.toml")
    path = folder / "it.rec"
    events = simulate(scenario)
    named = way.format(folder=folder)
    if key == "operator":
        events.insert(1, Operator(0, Clause("policy", {"policy": named})))
    recorder = Recorder(str(path), describe(scenario, None), overwrite=True)
    recorder.take(events)
    recorder.close()
    lines = path.read_text().splitlines()
    header = json.loads(lines[0])
    if key == "machine":
        header["scenario"]["machine"]["policy"] = named
    elif key == "script":
        header["scenario"]["script"] = [{"time_ns": 1, "do": json.loads(encode_command(UsePolicy(named)))}]
    path.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n")
    return path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", ["machine", "script", "operator"])
def test_f51_a_recording_names_no_code(folder: Path, way: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    read = Recording(str(recording(folder, way, key)))
    scenario = read.header.scenario
    for entry in choice.sensible(scenario):
        simulate(entry.enter(scenario))
    with suppress(BadValue):
        what_if(Load(read.header, read.events()), "rr", None)
    assert ran(folder) == []


def test_f51_whoever_names_the_file_has_it_run(folder: Path) -> None:
    read = Recording(str(recording(folder, "x.py:X", "machine")))
    what_if(Load(read.header, read.events()), "rr", None, own=f"{folder}/x.py:X")
    assert ran(folder) == ["scenarios/RAN"]


# What is written


def test_a_new_file_overwrites_nothing(tmp_path: Path) -> None:
    path, stranger = tmp_path / "o.svg", tmp_path / "o.svg.part"
    (tmp_path / "secret").write_text("mine")
    stranger.symlink_to(tmp_path / "secret")
    with new_file(str(path), overwrite=False) as file:
        file.write("one")
    assert (path.read_text(), (tmp_path / "secret").read_text()) == ("one", "mine")
    with pytest.raises(FileExistsError), new_file(str(path), overwrite=False) as file:
        file.write("two")
    assert path.read_text() == "one"
    with new_file(str(path), overwrite=True) as file:
        file.write("two")
    assert path.read_text() == "two"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["o.svg", "o.svg.part", "secret"]


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), new_file(str(tmp_path / "o"), overwrite=True) as file:
        file.write("half")
        file.write(str(1 / 0))
    assert [*tmp_path.iterdir()] == []


# What is read


DEEP = {
    "lists": "a = " + "[" * 20_000,
    "tables": "a = " + "{a=" * 20_000,
    "key": "keys" + ".a" * 20_000 + " = 1",
    "header": "[keys" + ".a" * 20_000 + "]",
    "quoted": "keys" + ' . "a"' * 20_000 + " = 1",
    "inside": "a = {b" + ".a" * 20_000 + " = 1}",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_settings_and_scenarios_that_are_nested_too_deeply_are_told(tmp_path: Path, text: str) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(text)
    with pytest.raises(BadInput) as bad:
        read_config()
    assert [wording.problem(problem.what) for problem in bad.value.problems] == ["is nested too deeply"]
    assert problems(tmp_path, text) == ["is nested too deeply"]


def test_a_folder_that_may_not_be_searched_hides_no_built_in_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", forbidden)
    assert find("convoy").stem == "convoy"
    with pytest.raises(BadInput):
        find("no such one")


def test_a_fault_tells_whose_file_was_not_run(folder: Path) -> None:
    read = Recording(str(recording(folder, "x.py:X", "script")))
    faults = [event for event in simulate(read.header.scenario) if isinstance(event, Fault)]
    assert ["files named by a recording are not run" in wording.fault(fault.what) for fault in faults] == [True]
