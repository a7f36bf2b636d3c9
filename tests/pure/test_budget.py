"""What a whole scenario may ask for is known before anything is unrolled, and nothing is unrolled at once."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.model.problems import BadInput
from sandbox.model.spec import MAX_STRETCHES
from sandbox.model.stretches import Segment, Stretches
from sandbox.scenario import load

HUGE = '[[process]]\nwork = ["cpu 100us", "io 100us"]\nrepeat = 100000\ncount = 300\n'
SIBLINGS = {
    HUGE: (4, 60_000_000),
    '[[process]]\nwork = ["cpu 1us", "io 1us"]\nperiod = "1ms"\nrepeat = 100000\ncount = 2000\n': (5, 599_998_000),
    '[[process]]\nwork = ["cpu 1us", "io 1us"]\nrepeat = 100000\n\n' * 6: (29, 1_200_000),
    "[[process]]\nwork = [" + '"io 1us", "cpu 1us", ' * 1_000 + "]\ncount = 501\n": (4, 1_002_000),
}


@pytest.mark.parametrize("text", SIBLINGS)
def test_f57_a_product_of_allowed_values_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    line, number = SIBLINGS[text]
    names = itertools.count(1)
    for _ in range(text.count("[[process]]\nwork")):
        text = text.replace("[[process]]\nwork", f'[[process]]\nname = "p{next(names)}"\nwork', 1)
    path = tmp_path / "huge.toml"
    path.write_text(text)
    tracemalloc.start()
    with pytest.raises(BadInput) as caught:
        load(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (problem,) = caught.value.problems
    assert problem.what.rule == "too much work"
    assert problem.what.figures == {"number": number, "allowed": MAX_STRETCHES}
    assert problem.line == line
    assert text.splitlines()[problem.line - 1].split()[0] in ("repeat", "count")
    assert most < 20_000_000, "bytes"


@pytest.mark.thorough
def test_copies_are_counted_before_they_are_made(tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text("".join(f'[[process]]\nname = "p{n}"\ncommand = ["true"]\ncount = 2000\n' for n in range(1_000)))
    tracemalloc.start()
    with pytest.raises(BadInput) as caught:
        load(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [problem.what.figures["number"] for problem in caught.value.problems] == [2_000_000]
    assert most < 50_000_000, "bytes"


def unrolled(work: list[Segment], repeat: int, period_ns: int | None) -> list[Segment]:
    """The plain way."""
    joined: list[Segment] = []
    for job in range(repeat):
        if job and period_ns is not None:
            joined.append(Segment("until", job * period_ns))
        for segment in work:
            if joined and joined[-1].kind == segment.kind:
                joined[-1] = Segment(segment.kind, joined[-1].ns + segment.ns)
            else:
                joined.append(segment)
    return joined


SEGMENTS = st.builds(Segment, st.sampled_from(["cpu", "io"]), st.integers(1, 9))


@settings(deadline=None)
@given(st.lists(SEGMENTS, min_size=1, max_size=5), st.integers(1, 5), st.none() | st.integers(1, 50))
def test_stretches_are_what_unrolling_would_give(work: list[Segment], repeat: int, period_ns: int | None) -> None:
    plain, lazy = unrolled(work, repeat, period_ns), Stretches(work, repeat, period_ns)
    assert [*lazy] == plain
    assert len(lazy) == len(plain)
    assert lazy[::2] == plain[::2]
    assert [lazy[-1], lazy[0]] == [plain[-1], plain[0]]


def test_a_hundred_thousand_repeats_weigh_what_is_declared() -> None:
    tracemalloc.start()
    stretches = Stretches([Segment("cpu", 1), Segment("io", 1)], 100_000, 1_000)
    assert stretches[299_998] == Segment("io", 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000
