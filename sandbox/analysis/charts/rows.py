"""Charts of the rows of a sweep."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from sandbox.analysis.charts.figures import PLACES, Figure, axis, figure, parameter_axis
from sandbox.i18n import _
from sandbox.model.values import BadValue, nearest, shown
from sandbox.render.charts import MAX_SERIES, Boxes, Chart, Heat, Lines, Point, Series
from sandbox.util.estimates import estimate
from sandbox.util.stats import percentile
from sandbox.util.text import clean_line

KINDS = ("line", "cdf", "heat", "box")
#: The number of points of a distribution's line.
_STEPS = 40
#: Fields that may distinguish the rows of a heat map.
_OTHERS = ("scenario", "cpus", "machine")
#: The default figure.
_Y = "turnaround.mean"

Value = float | str


class Written(msgspec.Struct):
    """The fields of a row in a file that charts need."""

    key: str
    scenario: str
    contender: str
    policy: dict[str, Any]
    seed: int
    cpus: int
    machine: str
    metrics: dict[str, Any] | None
    unfinished: int | None = None


class Row(NamedTuple):
    """One or several rows that do not differ. ``values``: of the drawn figure, one for each row that has it; ``seed``:
    None if the rows differ in it, and that does not matter."""

    scenario: str
    contender: str
    policy: dict[str, Any]
    seed: int | None
    cpus: int
    machine: str
    values: array[float]

    def place(self, name: str) -> Value | None:
        """Return the value of a parameter, or of one of PLACES; None if it has none."""
        if name == "policy":
            return str(self.policy.get("name"))
        if name in PLACES:
            found: Value | None = getattr(self, name)
            return found
        parameters = self.policy.get("parameters") or {}
        value = parameters.get(f"{name}_ns", parameters.get(name))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None if value is None else clean_line(str(value), 40)
        return float(value)


_decode = msgspec.json.Decoder(Written).decode


class Asked(NamedTuple):
    """The arguments of a chart; None for a default."""

    x: str | None
    y: str | None
    by: str | None
    kind: str | None

    @property
    def tells_seeds_apart(self) -> bool:
        """Whether rows with different seeds have to be kept apart."""
        return "seed" in (self.x, self.by) or self.kind == "heat"


class Table(NamedTuple):
    """The rows that can be drawn, and the figure ``y``. ``left_out``: the number of rows that failed or were cut
    short."""

    rows: list[Row]
    y: Figure
    left_out: int = 0


def table(written: Sequence[Written], wanted: str | None) -> Table:
    """Return a table of rows with the figure of this name. Raises BadValue."""
    if not written:
        raise BadValue("no rows")
    y = figure(wanted or _Y, written[0].metrics or {})
    return Table([_row(each, each.seed, y) for each in written], y)


def _row(written: Written, seed: int | None, y: Figure) -> Row:
    value = y.value(written.metrics or {})
    values = array("d", [] if value is None else [value])
    names = clean_line(written.scenario, 60), clean_line(written.contender, 80)
    return Row(*names, written.policy, seed, written.cpus, written.machine, values)


def read(lines: Iterable[bytes], asked: Asked) -> Table:
    """Read the rows of a file, with the figure that was asked for. Rows that do not differ are merged, so that only one
    number of each run is kept. An incomplete last line is left out. Raises BadValue."""
    rows: dict[tuple[object, ...], Row] = {}
    y: Figure | None = None
    left_out = 0
    for line in lines:
        try:
            written = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            left_out += bool(line.strip())
            continue
        if written.metrics is None or written.unfinished:
            left_out += 1
            continue
        y = y or figure(asked.y or _Y, written.metrics)
        seed = written.seed if asked.tells_seeds_apart else None
        alike = (written.scenario, written.contender, repr(written.policy), seed, written.cpus, written.machine)
        first = rows.get(alike)
        if first is None:
            rows[alike] = _row(written, seed, y)
        elif (value := y.value(written.metrics)) is not None:
            first.values.append(value)
    if y is None:
        raise BadValue("no rows")
    return Table([*rows.values()], y, left_out)


def chart(drawn: Table, asked: Asked) -> Chart:
    """Return the chart that was asked for. Raises BadValue."""
    rows, y = drawn.rows, drawn.y
    x = asked.x or varied(rows)
    for name in filter(None, (x, asked.by)):
        _check_place(name, rows)
    kind = asked.kind or ("line" if any(isinstance(row.place(x), float | int) for row in rows) else "box")
    makers = {"line": _line, "cdf": _cdf, "heat": _heat, "box": _box}
    return makers[kind](rows, x, y, asked.by)


def varied(rows: Sequence[Row]) -> str:
    """Return the name of the parameter that was varied, if there is one; else ``contender``."""
    values: dict[str, set[Value]] = {}
    for row in rows:
        for name in _parameters(row):
            value = row.place(name)
            if isinstance(value, float):
                values.setdefault(f"{row.place('policy')} {name}", set()).add(value)
    most = max(values, key=lambda name: len(values[name]), default=None)
    return most.rpartition(" ")[2] if most is not None and len(values[most]) > 2 else "contender"


def _parameters(row: Row) -> Iterator[str]:
    for name in row.policy.get("parameters") or {}:
        yield str(name).removesuffix("_ns")


def _check_place(name: str, rows: Sequence[Row]) -> None:
    if any(row.place(name) is not None for row in rows):
        return
    allowed = [*dict.fromkeys((*(parameter for row in rows for parameter in _parameters(row)), *PLACES))]
    raise BadValue("no such axis", value=shown(name), allowed=" | ".join(allowed), hint=nearest(name, allowed))


def _label(row: Row, rows_vary: Sequence[str]) -> str:
    values = [row.place(name) for name in rows_vary]
    said = [
        f"{name} {value:g}" if isinstance(value, float | int) and name != "contender" else str(value)
        for name, value in zip(rows_vary, values, strict=True)
        if value is not None
    ]
    return ", ".join(said)


def _groups(rows: Sequence[Row], x: str | None, by: str | None, first: str) -> dict[str, list[Row]]:
    """Group the rows into series by label: by ``by``, or else by ``first`` and whatever else varies."""
    others = [
        name for name in ("scenario", "cpus", "machine") if name != x and len({row.place(name) for row in rows}) > 1
    ]
    names = [by] if by is not None else [*([first] if first != x else []), *others]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_label(row, names), []).append(row)
    if len(groups) > MAX_SERIES:
        raise BadValue("too many series", number=len(groups), allowed=MAX_SERIES)
    return groups


def _values(rows: Sequence[Row]) -> list[float]:
    return [value for row in rows for value in row.values]


def _most(rows: Sequence[Row], y: Figure) -> float:
    if not any(row.values for row in rows):
        raise BadValue("figure has no values", value=shown(y.name))
    return max(max(row.values) for row in rows if row.values)


def _title(rows: Sequence[Row], what: str) -> str:
    """Return the title, with the scenario if there is only one."""
    scenarios = {row.scenario for row in rows}
    return f"{scenarios.pop()}: {what}" if len(scenarios) == 1 else what


def _y_axis(rows: Sequence[Row], y: Figure) -> Any:
    return axis(y.name, y.is_time, _most(rows, y), y.path[0] == "cpu_utilisation")


def _is_time(rows: Sequence[Row], name: str) -> bool:
    return any(f"{name}_ns" in (row.policy.get("parameters") or {}) for row in rows)


def _line(rows: Sequence[Row], x: str, y: Figure, by: str | None) -> Chart:
    """Return a line chart of means with confidence intervals. Contenders without the parameter are horizontal lines."""
    places = sorted({value for row in rows if isinstance(value := row.place(x), float | int)})
    if not places:
        return _box(rows, x, y, by)
    series = []
    for label, group in _groups(rows, x, by, "contender" if x in PLACES else "policy").items():
        at: dict[float, array[float]] = {}
        level = array("d")
        for row in group:
            place = row.place(x)
            if row.values:
                (at.setdefault(place, array("d")) if isinstance(place, float | int) else level).extend(row.values)
        points = [_point(place, at[place]) for place in sorted(at)]
        if points:
            series.append(Series(label, points))
        elif level:
            series.append(
                Series(_("{label} (has no {x})").format(label=label, x=x), [_point(p, level) for p in places])
            )
    what = _("{y} by {x}").format(y=y.name, x=x)
    if any(point.low != point.high for each in series for point in each.points):
        what += _(", with the 95 % interval of each mean")
    return Lines(_title(rows, what), parameter_axis(x, _is_time(rows, x), places), _y_axis(rows, y), series)


def _point(place: float, values: Sequence[float]) -> Point:
    return Point(place, *estimate(values))


def _cdf(rows: Sequence[Row], x: str, y: Figure, by: str | None) -> Chart:
    """Return a chart of cumulative distributions."""
    series = []
    for label, group in _groups(rows, None, by, "contender").items():
        if values := sorted(_values(group)):
            series.append(distribution_line(label, values))
    what = _("{y}: share of runs up to there").format(y=y.name)
    return Lines(_title(rows, what), _y_axis(rows, y), axis(_("share"), False, 1, True), series)


def distribution_line(label: str, ordered: Sequence[float]) -> Series:
    """Return a cumulative distribution as a line that is labelled at some quantiles."""
    shares = [step / _STEPS for step in range(1, _STEPS + 1)]
    points = [Point(ordered[0], 0.0), *(Point(percentile(ordered, share), share) for share in shares)]
    return Series(label, points, _STEPS // 4)


def _box(rows: Sequence[Row], x: str, y: Figure, by: str | None) -> Chart:
    """Return a chart of box plots."""
    found = []
    for label, group in _groups(rows, x, by, "contender" if x in PLACES else "policy").items():
        at: dict[Value, list[float]] = {}
        for row in group:
            place = row.place(x)
            if row.values:
                at.setdefault("-" if place is None else place, []).extend(row.values)
        write = parameter_axis(x, _is_time(rows, x), [1.0]).write
        for place, values in at.items():
            name = write(place) if isinstance(place, float | int) else place
            found.append((f"{label}  {name}" if label and label != name else name, values))
    return Boxes(_title(rows, _("{y} by {x}").format(y=y.name, x=x)), _y_axis(rows, y), found)


def _heat(rows: Sequence[Row], x: str, y: Figure, by: str | None) -> Chart:
    """Return a heat map of means over two varied fields."""
    others = [name for name in (*_OTHERS, "policy", "seed") if name != x and len({row.place(name) for row in rows}) > 1]
    down = by or next(iter(others), "policy")
    columns = _sorted({value for row in rows if (value := row.place(x)) is not None})
    names = _sorted({value for row in rows if (value := row.place(down)) is not None})
    cells: dict[tuple[Value, Value], list[float]] = {}
    for row in rows:
        place, name = row.place(x), row.place(down)
        if place is not None and name is not None and row.values:
            cells.setdefault((name, place), []).extend(row.values)
    across = parameter_axis(x, _is_time(rows, x), [1.0])
    table = [
        (_written(name, down, rows), [_mean(cells.get((name, place))) for place in columns])
        for name in names
        if any((name, place) in cells for place in columns)
    ]
    what = _("{y} by {x} and {by}").format(y=y.name, x=x, by=down)
    heads = [_written(place, x, rows) for place in columns]
    return Heat(_title(rows, what), across, down, heads, table, _y_axis(rows, y))


def _sorted(values: set[Value]) -> list[Value]:
    return sorted(values, key=lambda value: (isinstance(value, str), value if isinstance(value, str) else 0, value))


def _written(value: Value, name: str, rows: Sequence[Row]) -> str:
    if isinstance(value, str):
        return value
    return parameter_axis(name, _is_time(rows, name), [1.0]).write(value)


def _mean(values: list[float] | None) -> float | None:
    return None if not values else sum(values) / len(values)
