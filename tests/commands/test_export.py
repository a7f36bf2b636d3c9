"""Recordings for other tools, each read back by a parser that is not ours."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sandbox.model.commands import Kill
from sandbox.model.spec import Scenario
from sandbox.scenario import recording_of
from sandbox.util.units import MS
from sandbox.views.metrics import fold, result
from tests.support.commands import CommandRunner
from tests.support.files import write_recording
from tests.support.scenarios import process, scenario, simulate

WORLD = scenario(
    process("a<&>\"'", "cpu 30ms", "io 20ms", "cpu 10ms"),
    process("b", "cpu 35ms", arrive="5ms"),
    process("c", "io 15ms", "cpu 20ms"),
    cpus=2,
    quantum_ns=10 * MS,
)


def recorded(path: Path, world: Scenario = WORLD) -> str:
    return str(write_recording(path, world, simulate(world)))


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return recorded(tmp_path / "it")


def test_perfetto(ossandbox: CommandRunner, trace: str) -> None:
    done = ossandbox("export", trace, "--to", "perfetto")
    assert (done.status, done.err) == (0, "")
    document = json.loads(done.out)
    records = document["traceEvents"]
    assert {record["ph"] for record in records} == {"M", "X", "s", "f", "C"}
    names = {(r["pid"], r["tid"]): r["args"]["name"] for r in records if r["name"] == "thread_name"}
    assert names == {(1, 0): "cpu0", (1, 1): "cpu1", (2, 1): "a<&>\"'", (2, 2): "c", (2, 3): "b"}
    spans = [record for record in records if record["ph"] == "X"]
    by_track = defaultdict(list)
    for span in spans:
        assert span["dur"] > 0
        by_track[span["pid"], span["tid"]].append((span["ts"], span["ts"] + span["dur"]))
    for track in by_track.values():
        track.sort()
        assert all(before[1] <= after[0] + 1e-6 for before, after in pairwise(track)), "no overlap"
    assert sum(span["dur"] for span in spans if span["pid"] == 1) == pytest.approx(95_000)
    arrows = Counter(record["id"] for record in records if record["ph"] in "sf")
    assert set(arrows.values()) == {2}
    for record in records:
        if record["ph"] == "s":
            assert any(start <= record["ts"] < end for start, end in by_track[record["pid"], record["tid"]])
        elif record["ph"] == "f":
            assert record["ts"] in [start for start, _ in by_track[record["pid"], record["tid"]]]
        elif record["ph"] == "C":
            assert len(record["args"]) == 1
            assert all(isinstance(value, int) and value >= 0 for value in record["args"].values())
    last = {record["name"]: record["args"] for record in records if record["ph"] == "C"}
    assert last == {"ready": {"ready": 0}, "blocked": {"blocked": 0}}


def test_csv(ossandbox: CommandRunner, trace: str) -> None:
    done = ossandbox("export", trace, "--to", "csv")
    rows = [*csv.DictReader(done.out.splitlines())]
    document = result(fold(simulate(WORLD)))
    for found in document["processes"]:
        own = [row for row in rows if row["pid"] == str(found["pid"])]
        for state, key in (("READY", "waiting_ns"), ("BLOCKED", "blocked_ns"), ("RUNNING", "cpu_ns")):
            assert sum(int(row["lasts_ns"]) for row in own if row["state"] == state) == found[key]
        assert {row["name"] for row in own} == {found["name"]}
        assert sum(int(row["cpu_ns"]) for row in own) == found["cpu_ns"]
    assert {row["why"] for row in rows if row["state"] == "BLOCKED"} == {"sleep 15 ms", "sleep 20 ms"}


def test_svg(ossandbox: CommandRunner, trace: str) -> None:
    done = ossandbox("export", trace, "--to", "svg")
    root = ElementTree.fromstring(done.out)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"cpu0", "cpu1", "1  a<&>\"'", "2  c", "3  b", "running", "ready", "blocked", "0 s"} <= set(texts)
    width = float(root.attrib["width"])
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(box.attrib.get("x", 0)) <= float(box.attrib.get("x", 0)) + float(box.attrib["width"]) <= width


def test_svg_of_a_long_run_is_no_longer_than_a_picture_needs(ossandbox: CommandRunner, tmp_path: Path) -> None:
    world = scenario(*(process(f"p{number}", "cpu 2s") for number in range(5)), quantum_ns=MS)
    done = ossandbox("export", recorded(tmp_path / "long", world), "--to", "svg")
    boxes = [*ElementTree.fromstring(done.out).iter("{http://www.w3.org/2000/svg}rect")]  # noqa: S314
    assert len(boxes) < 6 * 2 * 1_300
    assert len(done.out) < 1_600_000


def test_json(ossandbox: CommandRunner, trace: str) -> None:
    document = json.loads(ossandbox("export", trace, "--to", "json").out)
    plain = json.loads(json.dumps(result(fold(simulate(WORLD)))))
    assert {key: document[key] for key in plain} == plain
    assert document["recording"]["scenario"]["processes"][1]["name"] == "b"
    assert len(document["events"]) == len(simulate(WORLD))


def test_a_file_is_written_whole_and_overwritten_only_by_force(
    ossandbox: CommandRunner, trace: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    assert ossandbox("export", trace, "--to", "csv", "-o", str(out)).status == 0
    before = out.read_text()
    done = ossandbox("export", trace, "--to", "json", "-o", str(out))
    assert done.status == 2
    assert "exists already; give another name, or --force" in done.err
    assert out.read_text() == before
    assert ossandbox("export", trace, "--to", "json", "-o", str(out), "--force").status == 0
    assert json.loads(out.read_text())
    done = ossandbox("export", trace, "--to", "csv", "-o", "/nowhere/at/all")
    assert done.status == 2
    assert "cannot be written: No such file or directory" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it", "out.csv"]


def test_of_a_damaged_recording_there_is_what_can_be_read(ossandbox: CommandRunner, trace: str) -> None:
    path = Path(trace)
    path.write_bytes(path.read_bytes()[:-40])
    done = ossandbox("export", trace, "--to", "csv")
    assert done.status == 0
    assert "was cut off" in done.err
    assert len(done.lines) > 10
    path.write_bytes(b"")
    done = ossandbox("export", trace, "--to", "csv")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"{trace}: is empty: nothing was recorded\n"


# OSTEP's own simulators


@pytest.mark.parametrize(
    ("world", "command"),
    [
        (
            scenario(process("a", "cpu 30ms"), process("b", "cpu 50ms"), policy="fcfs"),
            "python3 scheduler.py -p FIFO -l 3,5 -c",
        ),
        (
            scenario(process("a", "cpu 30ms"), process("b", "cpu 50ms"), policy="rr", quantum_ns=5 * MS),
            "python3 scheduler.py -p RR -q 1 -l 6,10 -c",
        ),
        (
            scenario(process("a", "cpu 10ms", "cpu 20ms"), policy="sjf"),
            "python3 scheduler.py -p SJF -l 1 -c",
        ),
        (
            scenario(
                process("a", "cpu 5ms", "io 10ms", "cpu 5ms", "io 10ms", "cpu 2ms"),
                process("b", "cpu 100ms", arrive="20ms"),
                policy="mlfq",
                parameters={"quanta": ["10ms", "20ms"], "allotments": [2], "boost": "100ms", "stay": True},
            ),
            "python3 mlfq.py -Q 10,20 -A 2,2 -i 10 -B 100 -S -l 0,12,5:20,100,0 -c",
        ),
        (
            scenario(
                process("a", "cpu 40ms"),
                process("b", "cpu 3ms", "io 4ms", "cpu 3ms"),
                policy="mlfq",
                parameters={"quanta": ["10ms"], "io_bump": True},
            ),
            "python3 mlfq.py -Q 10 -A 1 -i 4 -I -l 0,40,0:0,6,3 -c",
        ),
    ],
)
def test_the_command_for_the_books_simulators(
    ossandbox: CommandRunner, tmp_path: Path, world: Scenario, command: str
) -> None:
    done = ossandbox("export", recorded(tmp_path / "it", world), "--to", "ostep")
    assert done.lines[1] == command
    assert done.lines[0].startswith("# one tick is ")


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (WORLD, "have one CPU"),
        (scenario(process("a", "cpu 1ms"), policy="fair"), "have no fair; they have fcfs, sjf, rr and mlfq"),
        (scenario(process("a", "cpu 1ms", arrive="1ms")), "arrive at 0 and only compute"),
        (scenario(process("a", "io 1ms")), "arrive at 0 and only compute"),
        (
            scenario(process("a", "cpu 1ms"), policy="sjf", parameters={"knows": "estimate"}),
            "knows how long each job is",
        ),
        (scenario(process("a", "cpu 2ms"), script=[("1ms", Kill("a"))]), "started or killed on the way"),
        (scenario(process("a", "cpu 1ms", "io 1ms"), policy="mlfq"), "a does not wait after each so much CPU time"),
        (
            scenario(
                process("a", "cpu 1ms", "io 1ms", "cpu 1ms"),
                process("b", "cpu 1ms", "io 2ms", "cpu 1ms"),
                policy="mlfq",
            ),
            "all waits are equally long",
        ),
    ],
)
def test_what_the_books_simulators_cannot_say(
    ossandbox: CommandRunner, tmp_path: Path, world: Scenario, reason: str
) -> None:
    done = ossandbox("export", recorded(tmp_path / "it", world), "--to", "ostep")
    assert (done.status, done.out) == (2, "")
    assert reason in done.err


def test_cast(ossandbox: CommandRunner, trace: str) -> None:
    done = ossandbox("export", trace, "--to", "cast")
    assert (done.status, done.err) == (0, "")
    head, *frames = map(json.loads, done.out.splitlines())
    assert (head["version"], head["width"], head["height"]) == (2, 120, 40)
    times = [at for at, _kind, _text in frames]
    assert times == sorted(times)
    assert {kind for _at, kind, _text in frames} == {"o"}
    first = frames[0][2]
    assert [f"\x1b[{row};1H" in first for row in range(1, 41)] == [True] * 40
    assert "REPLAY" in first
    assert "TIMELINE" in first
    assert any("HALTED" in text for _at, _kind, text in frames[-2:])


def test_only_pictures_move(ossandbox: CommandRunner, trace: str) -> None:
    done = ossandbox("export", trace, "--to", "csv", "--animated")
    assert done.status == 2
    assert "--animated: means nothing without --to svg" in done.err


@pytest.mark.parametrize("form", ["html", "json", "svg", "perfetto"])
def test_children_are_called_as_in_claims(form: str, ossandbox: CommandRunner) -> None:
    said = ossandbox("export", str(recording_of("deadlock")), "--to", form).out
    assert "crossed/2" in said
    assert "crossed/3" not in said, "they are numbered by their births"
