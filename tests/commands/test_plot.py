"""Charts of a sweep's rows and of recordings, as the command draws them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from sandbox.render.charts import nice_bounds
from tests.support.commands import CommandRunner

MARGIN = "┤│"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sweep that shows the bend."""
    from sandbox.cli import main

    path = tmp_path_factory.mktemp("plot") / "r.jsonl"
    words = ["sweep", "convoy", "--policies", "rr:quantum=1ms..512ms*2,lottery", "--seeds", "1..5", "-o", str(path)]
    assert main(words) == 0
    return str(path)


@pytest.fixture
def trace(ossandbox: CommandRunner, tmp_path: Path) -> str:
    path = str(tmp_path / "t.trace")
    assert ossandbox("simulate", "time-sharing", "--policy", "rr", "--quiet", "--record", path).status == 0
    return path


def heights(lines: list[str], sign: str) -> list[int]:
    """The rows in which a series' letter stands, from left to right, the lowest being 0."""
    drawn = [line.partition("┤")[2] or line.partition("│")[2] for line in lines if set(line[:8]) & set(MARGIN)]
    found = [
        (column, len(drawn) - 1 - row) for row, line in enumerate(drawn) for column, c in enumerate(line) if c in sign
    ]
    return [height for _column, height in sorted(found)]


def test_the_bend_of_the_quantum_is_seen_at_80_columns_without_colour(ossandbox: CommandRunner, rows: str) -> None:
    done = ossandbox("plot", rows, "--x", "quantum", "--y", "response.mean")
    assert done.status == 0
    assert "\x1b" not in done.out
    assert max(map(cell_len, done.lines)) <= 80
    assert len(done.lines) <= 24
    bend = heights(done.lines, "a*")
    assert bend[:5] == [0] * 5, "short slices answer at once"
    assert bend[-3:] == sorted(bend[-3:])
    assert bend[-1] >= 10, "long ones do not"
    for name in ("1ms", "8ms", "512ms", "a rr", "b lottery", "response.mean (ms)"):
        assert name in done.out


@pytest.mark.parametrize("kind", ["line", "cdf", "heat", "box"])
def test_every_kind_fits_and_becomes_a_picture(ossandbox: CommandRunner, rows: str, tmp_path: Path, kind: str) -> None:
    done = ossandbox("plot", rows, "--kind", kind, "--y", "turnaround")
    assert done.status == 0
    assert len(done.lines) >= 5
    assert max(map(cell_len, done.lines)) <= 80
    words = ("plot", rows, "--kind", kind, "--y", "turnaround", "--to", "svg", "-o")
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        assert ossandbox(*words, str(picture)).status == 0
    assert ET.parse(pictures[0]).getroot().tag.endswith("svg")  # noqa: S314 - we wrote it
    assert pictures[0].read_bytes() == pictures[1].read_bytes(), "the same picture of the same rows"
    assert ossandbox(*words, str(pictures[0])).status == 2, "nobody's file is overwritten"
    png = tmp_path / "one.png"
    assert ossandbox("plot", rows, "--kind", kind, "--to", "png", "-o", str(png)).status == 0
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_box_has_the_quartiles_in_their_order(ossandbox: CommandRunner, rows: str) -> None:
    lines = ossandbox("plot", rows, "--kind", "box", "--y", "response").lines
    [lottery] = [line for line in lines if line.startswith("lottery")]
    places = [lottery.index(sign) for sign in "├▒┃┤"]
    assert places == sorted(places)


@pytest.mark.parametrize("figure", ["share", "queue", "latency"])
def test_recordings_have_charts_of_their_own(ossandbox: CommandRunner, trace: str, figure: str) -> None:
    done = ossandbox("plot", trace, "--y", figure)
    assert done.status == 0
    assert max(map(cell_len, done.lines)) <= 80
    assert "time-sharing, rr: " in done.lines[0]


def test_the_queue_of_three_equal_processes_is_two_long(ossandbox: CommandRunner, trace: str) -> None:
    lines = ossandbox("plot", trace, "--y", "queue").lines
    assert lines[2].startswith("  2 ┤⠉")


def test_what_cannot_be_drawn_is_told(ossandbox: CommandRunner, rows: str, tmp_path: Path) -> None:
    empty, failed = tmp_path / "empty", tmp_path / "failed"
    empty.write_text("")
    row = json.loads(Path(rows).read_text().splitlines()[0])
    failed.write_text(json.dumps({**row, "metrics": None}) + "\n")
    for words, said in (
        ((rows, "--y", "respose.mean"), "Did you mean response.mean?"),
        ((rows, "--x", "quantun"), "Did you mean quantum?"),
        ((str(failed),), "holds no row of a sweep that could be drawn"),
        ((str(empty),), "is empty"),
        ((str(tmp_path / "none"),), "cannot be read"),
    ):
        done = ossandbox("plot", *words)
        assert (done.status, done.out) == (2, ""), words
        assert said in done.err


def test_rows_that_failed_and_a_torn_line_are_left_out(ossandbox: CommandRunner, rows: str, tmp_path: Path) -> None:
    lines = Path(rows).read_text().splitlines(keepends=True)
    failed = json.dumps({**json.loads(lines[0]), "metrics": None}) + "\n"
    torn = tmp_path / "torn"
    torn.write_text("".join([*lines[:20], failed, lines[20][:50]]))
    done = ossandbox("plot", str(torn))
    assert done.status == 0
    assert "2 rows are left out" in done.err


@pytest.mark.parametrize(
    "bounds", [(0, 379e6), (12, 12), (0.99, 1.0), (-5, 5), (1e-9, 2e-9), (0, 0), (6e6, 6e6), (1, 1), (-3, -3)]
)
def test_bounds_hold_what_lies_between_them(bounds: tuple[float, float]) -> None:
    low, high, step = nice_bounds(*bounds)
    assert low <= bounds[0] <= bounds[1] <= high
    assert low < high
    assert 2 <= (high - low) / step + 1 <= 12
