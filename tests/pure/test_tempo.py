"""How fast what has happened is played: the steps of the keys, and what one types."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sandbox.model.values import BadValue
from sandbox.tui.state.errors import Impossible
from sandbox.tui.state.tempo import Player, Speed
from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.util.units import MS
from tests.support.kernel_script import KernelScript

UP = ["", "2x", "5x", "10x", "20x", "50x", "100x", "200x", "500x", "1000x", "fastest"]
DOWN = ["0.5x", "0.2x", "0.1x", "0.05x", "0.02x", "0.01x", "0.005x", "0.002x", "0.001x"]


class Playing:
    """The first of 40 ms, on a clock that stands still."""

    def __init__(self, tempo: Fraction | None = Fraction(1)) -> None:
        self.clock_ns = 5 * MS
        self.view = Viewpoint(lambda: self.view.live.board.now_ns)
        for event in KernelScript().admit("a").run("a").later("40ms").exit("a").take():
            self.view.past.add(event)
        self.view.to_start()
        self.player = Player(self.view, lambda: self.clock_ns, tempo)

    def after(self, ns: int) -> int:
        self.clock_ns += ns
        self.player.advance(is_all=True)
        return self.view.now_ns


def test_the_keys_go_from_a_thousandth_to_as_fast_as_it_goes() -> None:
    player = Playing().player
    seen = [player.shown]
    for _ in UP[1:]:
        player.change(1)
        seen.append(player.shown)
    assert seen == UP
    with pytest.raises(Impossible):
        player.change(1)
    for _ in UP[1:]:
        player.change(-1)
    assert player.tempo == 1
    for expected in DOWN:
        player.change(-1)
        assert player.shown == expected
    with pytest.raises(Impossible):
        player.change(-1)


def test_from_between_two_steps_they_go_to_the_next() -> None:
    up, down = Playing(Fraction(3)).player, Playing(Fraction(3)).player
    up.change(1)
    down.change(-1)
    assert (up.shown, down.shown) == ("5x", "2x")


def test_it_goes_on_from_where_it_is_and_ends_in_the_present() -> None:
    run = Playing()
    run.player.change(-1)
    assert run.after(10 * MS) == 0, "it was not set going"
    run.player.start()
    assert run.after(10 * MS) == 5 * MS
    run.player.change(-1)
    assert run.after(10 * MS) == 7 * MS
    run.view.look_at(20 * MS)
    assert not run.player.plays, "somebody has turned to another point"
    run.player.start()
    run.player.change(1)
    run.player.change(1)
    assert run.after(50 * MS) == 40 * MS
    assert not run.player.plays
    assert not run.view.looks_back


def test_as_fast_as_it_goes_takes_no_heed_of_the_clock() -> None:
    run = Playing(None)
    run.player.start()
    for _ in range(100):
        if not run.player.plays:
            break
        run.after(0)
    assert run.view.now_ns == 40 * MS


@pytest.mark.parametrize(
    ("typed", "means"), [("0.1", Fraction(1, 10)), ("10x", 10), ("1/3", Fraction(1, 3)), ("max", None), ("1000", 1000)]
)
def test_a_tempo_is_typed(typed: str, means: Fraction | None) -> None:
    assert Speed().parse(typed) == means


@pytest.mark.parametrize("typed", ["0", "0.0001", "1001", "", "fast", "-1", "nan", "1e99999999999", "1/0", "٣"])
def test_what_is_no_tempo_is_refused_with_what_is_allowed(typed: str) -> None:
    with pytest.raises(BadValue) as raised:
        Speed().parse(typed)
    assert raised.value.what.figures["allowed"] == "0.001 … 1000 | max"
