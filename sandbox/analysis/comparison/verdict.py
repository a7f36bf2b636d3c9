"""Describes standings in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.analysis.comparison.columns import Column, unit_of, writer
from sandbox.analysis.comparison.standings import Price, Sample, Standing, standings
from sandbox.i18n import _
from sandbox.render.cells import wrap
from sandbox.render.gantt import Line
from sandbox.util.estimates import Estimate
from sandbox.wording import clauses, listed

#: How many of the contenders that are as good as the winner are named.
_MAX_NAMED = 4


def lines(samples: Sequence[Sample], width: int) -> Iterator[Line]:
    """Yield the lines of a paragraph for each figure in which the contenders differ. ``width``: of a line in cells."""
    found = standings(samples)
    for standing in found:
        for number, line in enumerate(wrap(said(standing), width, "  ")):
            yield [(line, "text" if number else "strong")]
    if not found:
        yield [(_("no figure differs by more than the noise: nobody wins"), "text")]
    elif all(standing.one for standing in found):
        yield [(_("one run each: --seeds 1..20 would show what is luck of the draw"), "dim")]


def said(standing: Standing) -> str:
    """Return the sentence for one figure: the winner, those that are as good, the next one, and the price."""
    title, mean = _(standing.column.title), _with_interval(standing.column, standing.mean)
    equals = [*standing.equals[:_MAX_NAMED]]
    if len(standing.equals) > _MAX_NAMED:
        equals.append(_("{number} others").format(number=len(standing.equals) - _MAX_NAMED))
    if standing.next is None:
        said = _("{figure}: no winner; {winner} has {mean}, and within the noise of it are {equals}")
        return said.format(figure=title, winner=standing.winner, mean=mean, equals=listed(equals))
    assert standing.behind is not None
    words = [_("{figure}: {winner} wins with {mean}").format(figure=title, winner=standing.winner, mean=mean)]
    if equals:
        words.append(_("as good within the noise: {equals}").format(equals=listed(equals)))
    by = _by(standing.column, standing.behind, standing.mean.mean)
    words.append(_("next is {next}, {by} behind").format(next=standing.next, by=by))
    if standing.prices:
        words.append(_("the price: {prices}").format(prices=listed(map(_price, standing.prices))))
    return clauses(words)


def _price(price: Price) -> str:
    said = _("{figure} {own} instead of {best} under {of}")
    own, best = (_written(price.column, value, max(price.own, price.best)) for value in (price.own, price.best))
    return said.format(figure=_(price.column.title), own=own, best=best, of=price.of)


def _with_interval(column: Column, mean: Estimate) -> str:
    text = _written(column, mean.mean, mean.mean)
    if mean.low is None or mean.high is None or mean.low == mean.high:
        return text
    low, high = (_written(column, value, mean.mean) for value in (mean.low, mean.high))
    return _("{mean} ({low} … {high})").format(mean=text, low=low, high=high)


def _by(column: Column, behind: Estimate, of: float) -> str:
    """Return a difference as a share of the winner's figure, or as it is if that is 0."""
    if not of:
        return _written(column, abs(behind.mean), abs(behind.mean))
    share = abs(behind.mean / of)
    if behind.low is None or behind.high is None or behind.low == behind.high:
        return _share(share)
    low, high = sorted(abs(value / of) for value in (behind.low, behind.high))
    return _("{mean} ({low} … {high})").format(mean=_share(share), low=_share(low), high=_share(high))


def _share(share: float) -> str:
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def _written(column: Column, value: float, most: float) -> str:
    """Return a figure with its unit."""
    unit, size = unit_of(most) if column.is_time else ("", 1)
    return f"{writer(column, size, most)(value)} {unit}".strip()
