"""Charts as pictures, drawn by matplotlib (extra ``plot``), which is imported only here and only when needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from sandbox.render.charts import Axis, Boxes, Chart, Heat, Lines
from sandbox.util.stats import spread

FORMATS = ("svg", "png")
_INCHES, _DOTS = (8.0, 4.5), 150
#: The least distance between two labels on an axis, as a share of its length.
_TICK_SHARE = 0.06
#: Markers that distinguish series in addition to colours.
_MARKERS = "os^Dv<>PX*hp"


def write(chart: Chart, form: str, file: BinaryIO) -> None:
    """Draw a chart into a file. ``form``: one of ``FORMATS``. Raises ImportError if the extra is not installed."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import font_manager
    from matplotlib import pyplot as plt

    fonts = [name for name in _FONTS if name in {*font_manager.get_font_names()}]
    settings: Any = {"svg.hashsalt": "ossandbox", "svg.fonttype": "none", "font.family": fonts or ["sans-serif"]}
    with mpl.rc_context(settings):
        figure, axes = plt.subplots(figsize=_INCHES, layout="constrained")
        axes.set_title(chart.title, fontsize="medium", loc="left")
        match chart:
            case Lines():
                _lines(axes, chart)
            case Boxes():
                _boxes(axes, chart)
            case Heat():
                _heat(figure, axes, chart)
        figure.savefig(file, format=form, dpi=_DOTS, metadata={"Date": None} if form == "svg" else {"Software": None})
        plt.close(figure)


#: Fonts that are used if installed, for Chinese characters among others.
_FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC"]


def _lines(axes: Any, chart: Lines) -> None:
    for number, series in enumerate(chart.series):
        x, y = [point.x for point in series.points], [point.y for point in series.points]
        (line,) = axes.plot(x, y, marker=_MARKERS[number % len(_MARKERS)], markevery=series.marks, label=series.label)
        bounds = [(point.x, point.low, point.high) for point in series.points if point.low is not None]
        if bounds:
            places, low, high = zip(*bounds, strict=True)
            axes.fill_between(places, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
    if chart.x.logarithmic:
        axes.set_xscale("log")
    _write_ticks(axes.xaxis, chart.x)
    _write_ticks(axes.yaxis, chart.y)
    heights = [point.y for series in chart.series for point in series.points]
    if chart.y.bounds is not None:
        axes.set_ylim(*chart.y.bounds)
    elif 0 <= min(heights) < 0.6 * max(heights):
        axes.set_ylim(bottom=0)
    axes.set_xlabel(chart.x.title)
    axes.set_ylabel(chart.y.title)
    axes.grid(alpha=0.3)
    if len(chart.series) > 1:
        axes.legend(fontsize="small")


def _write_ticks(axis: Any, our: Axis) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if our.ticks is not None:
        axis.set_major_locator(FixedLocator(_apart(our, our.ticks)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _place: our.write(value)))


def _apart(axis: Axis, ticks: Sequence[float]) -> list[float]:
    """Return the ticks that are far enough from the one before to be legible."""
    least = (axis.place(max(ticks)) - axis.place(min(ticks))) * _TICK_SHARE
    kept: list[float] = []
    for tick in sorted(ticks):
        if not kept or axis.place(tick) - axis.place(kept[-1]) >= least:
            kept.append(tick)
    return kept


def _boxes(axes: Any, chart: Boxes) -> None:
    shapes = []
    for name, values in chart.rows:
        least, low, middle, high, most = spread(values)
        shapes.append(
            {"label": name, "whislo": least, "q1": low, "med": middle, "q3": high, "whishi": most, "fliers": []}
        )
    axes.bxp(shapes, orientation="horizontal")
    axes.invert_yaxis()
    axes.set_xlabel(chart.axis.title)
    _write_ticks(axes.xaxis, chart.axis)


def _heat(figure: Any, axes: Any, chart: Heat) -> None:
    from matplotlib.ticker import FuncFormatter

    cells = [[float("nan") if value is None else value for value in values] for _name, values in chart.rows]
    image = axes.imshow(cells, aspect="auto", cmap="cividis")
    axes.set_xticks(range(len(chart.columns)), chart.columns)
    axes.set_yticks(range(len(chart.rows)), [name for name, _values in chart.rows])
    axes.set_xlabel(chart.x.title)
    axes.set_ylabel(chart.y_title)
    form = FuncFormatter(lambda value, _place: chart.value.write(value))
    figure.colorbar(image, label=chart.value.title, format=form)
