"""A recording gives back what it was given, and of a damaged one whatever can be had."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import wording
from sandbox.model.events import (
    Admitted,
    AnyEvent,
    Became,
    Booted,
    Clause,
    Described,
    Event,
    Fault,
    Queues,
    Wrote,
    encode,
)
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.trace import load
from sandbox.trace.header import describe
from sandbox.trace.load import Recording
from sandbox.trace.plausible import Plausible
from sandbox.trace.record import Recorder
from sandbox.util.units import MS
from tests.support.files import write_recording
from tests.support.generated import any_scenario
from tests.support.scenarios import process, scenario, simulate
from tests.support.systems import unix
from tests.support.views import log_of

WORLD = scenario(process("a", "cpu 30ms", "io 20ms", "cpu 10ms"), process("b", "cpu 35ms"), quantum_ns=10 * MS)
EVENTS = simulate(WORLD)


def recorded(path: Path, events: list[Event] = EVENTS, world: Scenario = WORLD) -> Path:
    return write_recording(path, world, events)


def read(path: Path) -> tuple[list[AnyEvent], list[str]]:
    """Its events, and the rules by which it is damaged."""
    recording = Recording(str(path))
    events = [*recording.events()]
    log_of(events)  # raises on what cannot have happened
    return events, [problem.rule for problem in recording.problems]


def refused(path: Path) -> str:
    with pytest.raises(BadValue) as info:
        Recording(str(path))
    return info.value.faults[0][1].rule


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_scenario())
def test_whatever_happens_comes_back(tmp_path: Path, world: Scenario) -> None:
    path = tmp_path / "it"
    path.unlink(missing_ok=True)
    events = simulate(world)
    recorded(path, events, world)
    told = [event for event in events if not isinstance(event, (Queues, Described))]
    assert read(path) == (told, []), "what was told because somebody looked is not part of the run"
    assert Recording(str(path)).header.scenario == world
    with_past = tmp_path / "late"
    recorder = Recorder(str(with_past), describe(world, None), overwrite=True)
    for lines in log_of(events).blocks():
        recorder.copy(lines)
    recorder.close()
    assert with_past.read_bytes() == path.read_bytes()


def test_the_header_says_what_was_run(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("# mine\n")
    (tmp_path / "it.toml").write_text("title = 'it'\n")
    world = msgspec.structs.replace(WORLD, folder=str(tmp_path))
    world.machine = msgspec.structs.replace(world.machine, policy="mine.py:Mine")
    path = str(tmp_path / "it")
    Recorder(path, describe(world, str(tmp_path / "it.toml"))).take(EVENTS)
    header = Recording(path).header
    assert (header.text, header.policy_source) == ("title = 'it'\n", "# mine\n")
    assert header.machine["cpus"] == os.cpu_count()
    assert header.version


def test_a_file_is_overwritten_only_by_force(tmp_path: Path) -> None:
    path = recorded(tmp_path / "it")
    before = path.read_bytes()
    with pytest.raises(BadValue) as info:
        Recorder(str(path), describe(WORLD, None))
    assert info.value.faults[0][1].rule == "file exists"
    assert path.read_bytes() == before
    Recorder(str(path), describe(WORLD, None), overwrite=True).close()
    assert len(path.read_bytes().splitlines()) == 1


@unix
def test_a_pipe_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadValue):
        Recorder(str(tmp_path / "pipe"), describe(WORLD, None))


# Damage


def test_nothing_to_read(tmp_path: Path) -> None:
    path = tmp_path / "it"
    for data, rule in (
        (b"", "recording is empty"),
        (b"hello", "is no recording"),
        (b"hello\nworld\n" * 3_000, "is no recording"),
        (b"[" * 100_000 + b"\n", "is no recording"),
        (os.urandom(10_000), "is no recording"),
        (b'{"ossandbox": "recording"}\n', "recording holds no event"),
        (recorded(tmp_path / "other").read_bytes().splitlines(True)[0], "recording holds no event"),
    ):
        path.write_bytes(data)
        assert refused(path) == rule, data[:40]
    path.unlink()
    assert refused(path) == "cannot be read"
    assert refused(tmp_path) == "cannot be read"
    assert refused(Path("/dev/zero")) == "is no recording"


def test_cut_at_any_byte_the_whole_lines_are_there(tmp_path: Path) -> None:
    data = recorded(tmp_path / "it").read_bytes()
    begin = data.index(b"\n", data.index(b"\n") + 1) + 1
    for cut in random.Random(1).sample(range(begin, len(data) - 1), 40):
        path = tmp_path / "cut"
        path.write_bytes(data[:cut])
        events, problems = read(path)
        assert events == EVENTS[: data[:cut].count(b"\n") - 1]
        within = [] if data[cut - 1 : cut] == b"\n" else ["recording ends within a line"]
        assert problems == [*within, "recording has no end"]


def test_a_later_format_is_shown_as_far_as_it_is_known(tmp_path: Path) -> None:
    lines = recorded(tmp_path / "it").read_bytes().splitlines(True)
    header = json.loads(lines[0])
    header |= {"format": 7, "version": "9.1", "scenario": {"name": "other", "worlds": []}}
    path = tmp_path / "later"
    path.write_bytes(json.dumps(header).encode() + b"\n" + b'{"event":"Dreamt","t_ns":0}\n' + b"".join(lines[1:]))
    recording = Recording(str(path))
    assert [*recording.events()] == EVENTS
    assert recording.header.scenario.name == "other"
    assert [wording.recording(problem) for problem in recording.problems] == [
        "ossandbox 9.1 wrote it in format 7, but this version reads formats up to 1: what it does not know is left out",
        "1 of its lines cannot be used, the first is line 2: what they said is left out",
    ]


def test_without_header_or_boot_the_rest_is_shown(tmp_path: Path) -> None:
    lines = recorded(tmp_path / "it").read_bytes().splitlines(True)
    path = tmp_path / "headless"
    path.write_bytes(b"garbage\n" + b"".join(lines[1:]))
    events, problems = read(path)
    assert events == EVENTS
    assert problems == ["recording without a header", "lines left out"]
    path.write_bytes(lines[0] + b"garbage\n" + b"".join(lines[2:]))
    events, problems = read(path)
    assert isinstance(events[0], Booted)
    assert events[1:] == EVENTS[1:]
    assert problems == ["lines left out"]


def test_a_new_name_that_is_told_late_costs_no_other_event() -> None:
    """As versions have written it in which its time was later than that of the events around it."""
    booted, admitted, *rest = simulate(scenario(process("a", "cpu 1ms")))
    plausible = Plausible()
    assert all(plausible(event) for event in (booted, admitted, Became(500_000, 1, "b", "b"), *rest))


def test_a_lost_event_costs_few_others(tmp_path: Path) -> None:
    world = scenario(
        process("a", "cpu 300ms"), process("b", "cpu 5ms", "io 20ms", repeat=20), process("c", "cpu 300ms"),
        quantum_ns=5 * MS,
    )  # fmt: skip
    all_of_it = simulate(world)
    for lost in range(1, len(all_of_it)):
        if isinstance(all_of_it[lost], (Admitted, Booted)):
            continue
        plausible = Plausible()
        believed = [event for event in [*all_of_it[:lost], *all_of_it[lost + 1 :]] if plausible(event)]
        log_of(believed)
        assert len(all_of_it) - len(believed) < 60, all_of_it[lost]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_garbled_in_any_way_it_never_breaks_the_reader(tmp_path: Path, draw: random.Random) -> None:
    source = tmp_path / "it"
    lines = (source if source.exists() else recorded(source)).read_bytes().splitlines(True)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(lines))
        match draw.randrange(5):
            case 0:
                lines[at] = b""
            case 1:
                lines.insert(at, draw.choice(lines))
            case 2:
                other = draw.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                line = bytearray(lines[at] or b"\n")
                line[draw.randrange(len(line))] = draw.randrange(256)
                lines[at] = bytes(line)
            case 4:
                lines[at] = _another_figure(lines[at], draw)
    path = tmp_path / "garbled"
    path.write_bytes(b"".join(lines))
    try:
        recording = Recording(str(path))
    except BadValue:
        return
    log_of(recording.events())
    assert all(wording.recording(problem) != problem.rule for problem in recording.problems)


def _another_figure(line: bytes, draw: random.Random) -> bytes:
    """The same event with one of its values another one."""
    try:
        table = json.loads(line)
    except ValueError:
        return line
    value: Any = draw.choice([-1, 0, 1, 99, 2**40, 2**63, 10**30, 1.5, "x", None, True, [], {}])
    return json.dumps({**table, draw.choice([*table]): value}).encode() + b"\n"


def test_nothing_in_it_can_steer_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2Jx\x9b31m\u202ey\nz"
    events: list[Event] = [
        Booted(0, "linux", 1, "rr", {"quantum": evil}, evil, evil),
        Admitted(0, 1, evil, evil),
        Wrote(0, 1, "console", evil),
        Fault(0, Clause(evil, {evil: evil})),
    ]
    found, _ = read(recorded(tmp_path / "it", events))
    said = "".join(map(str, found))
    assert not {"\x1b", "\x9b", "\u202e"} & set(said)
    assert isinstance(found[1], Admitted)
    assert found[1].name == "x31my z"
    assert isinstance(found[2], Wrote)
    assert found[2].text == "x31my\nz"


def test_huge_is_cut_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(tmp_path / "it")
    monkeypatch.setattr(load, "_MAX_EVENTS", 10)
    assert read(path) == (EVENTS[:10], ["too many events", "recording has no end"])
    monkeypatch.setattr(load, "_MAX_LINE", max(map(len, path.read_bytes().splitlines(True))) + 1)
    with path.open("ab") as file:
        file.write(b" " * 10_000 + b"\n" + encode(EVENTS[-1]))
    monkeypatch.setattr(load, "_MAX_EVENTS", 10_000)
    events, problems = read(path)
    assert events == EVENTS
    assert problems == ["line is too long"]


def test_a_packed_one_says_the_same_wherever_it_is_cut(tmp_path: Path) -> None:
    plain, packed = recorded(tmp_path / "it.trace"), recorded(tmp_path / "it.trace.gz")
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes(), "any other program can unpack it"
    assert read(packed) == (EVENTS, [])
    whole = packed.read_bytes()
    for length in range(len(whole) * 3 // 4, len(whole) - 40, 37):
        packed.write_bytes(whole[:length])
        found, problems = read(packed)
        assert found == EVENTS[: len(found)]
        assert found
        assert problems[-1] == "recording has no end"
    packed.write_bytes(whole[:-200] + b"\0" * 40 + whole[-160:])
    assert read(packed)[0] == EVENTS[: len(read(packed)[0])], "damaged in the middle, it is read so far"


def test_several_packed_files_are_one(tmp_path: Path) -> None:
    lines = recorded(tmp_path / "it.trace").read_bytes().splitlines(keepends=True)
    (tmp_path / "it.gz").write_bytes(b"".join(gzip.compress(line) for line in lines))
    assert read(tmp_path / "it.gz") == (EVENTS, [])
