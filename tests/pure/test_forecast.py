"""Who blocks after the same time again and again is foreseen, and nobody else."""

from __future__ import annotations

from typing import Any

from sandbox.machines.linux.blocking.forecast import Forecast
from sandbox.util.units import MS, US


class Child:
    started_ns = blocked_ns = usual_turn_ns = regular = 0


def turn(forecast: Forecast, child: Any, length_ns: int) -> int | None:
    """It is let run, and blocks after so long. Returns when that was foreseen, from its beginning."""
    child.started_ns = child.blocked_ns + 5 * MS
    forecast.dispatched(child)
    foreseen_ns = forecast.next_ns
    child.blocked_ns = child.started_ns + length_ns
    forecast.blocked(child, child.blocked_ns)
    assert forecast.next_ns is None
    return None if foreseen_ns is None else foreseen_ns - child.started_ns


def test_one_that_is_regular_is_foreseen_and_a_single_exception_forgiven() -> None:
    forecast, child = Forecast(), Child()
    assert [turn(forecast, child, MS) for _ in range(6)] == [None, None, None, MS, MS, MS]
    assert turn(forecast, child, 3 * MS) == MS
    assert turn(forecast, child, MS) == 3 * MS
    assert turn(forecast, child, MS) is None


def test_one_that_is_not_regular_is_not_foreseen() -> None:
    forecast, child = Forecast(), Child()
    assert [turn(forecast, child, number * 300 * US) for number in range(1, 9)] == [None] * 8


def test_one_whose_turn_ends_otherwise_is_soon_foreseen_no_more() -> None:
    forecast, child, other = Forecast(), Child(), Child()
    for _ in range(6):
        turn(forecast, child, MS)
    for _ in range(3):
        forecast.dispatched(child)  # type: ignore[arg-type]
        forecast.dispatched(other)  # type: ignore[arg-type]
        assert forecast.next_ns is None
    forecast.dispatched(child)  # type: ignore[arg-type]
    assert forecast.next_ns is None


def test_without_records_the_cpu_time_tells_how_long_a_turn_was() -> None:
    forecast, child = Forecast(), Child()
    child.blocked_since_ns = lambda: child.started_ns + MS  # type: ignore[attr-defined]
    for late_us in (900, 20, 400, 700):
        forecast.dispatched(child)  # type: ignore[arg-type]
        child.blocked_ns = child.started_ns + MS + late_us * US
        forecast.blocked(child, None)  # type: ignore[arg-type]
    forecast.dispatched(child)  # type: ignore[arg-type]
    assert forecast.next_ns == child.started_ns + MS
