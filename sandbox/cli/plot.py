"""``ossandbox plot``: charts of a sweep's rows, or of a recording."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from sandbox.analysis.charts import recordings, rows, spreadsheet
from sandbox.analysis.charts.rows import KINDS, Asked, Table
from sandbox.cli.exits import DONE
from sandbox.cli.recordings import complain_of, opened
from sandbox.i18n import _, ngettext
from sandbox.model.problems import BadInput, problems_of
from sandbox.model.values import BadValue
from sandbox.render import charts, pictures
from sandbox.render.charts import Chart
from sandbox.render.output import binary
from sandbox.render.stderr import complain
from sandbox.render.tables import chart_width, print_lines
from sandbox.util.paths import new_file
from sandbox.util.stdin import NAME, open_bytes
from sandbox.views.metrics import fold

#: Bytes at the beginning of a file, which tell rows from recordings.
_LOOK = 4_096
#: Reads the rows of a file into a table with the figure that was asked for.
Reader = Callable[[BinaryIO, Asked], Table]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", metavar="FILE", help=_("the rows of a sweep, what compare --csv has printed, or a recording")
    )
    parser.add_argument(
        "--x", metavar="NAME", help=_("rows: the parameter on the x-axis, or contender, policy, scenario, cpus, seed")
    )
    parser.add_argument(
        "--y",
        metavar="FIGURE",
        help=_("rows: response.mean, turnaround.p95, switches, fairness, …; recordings: share, queue, latency"),
    )
    parser.add_argument("--by", metavar="NAME", help=_("rows: a line for each of these (default: the policy)"))
    parser.add_argument("--kind", choices=KINDS, help=_("rows: means, distributions, a heat map, or box plots"))
    parser.add_argument("--to", choices=pictures.FORMATS, help=_("a picture instead of text (needs the extra: plot)"))
    parser.add_argument("-o", "--output", metavar="FILE", help=_("write to this file instead of standard output"))
    parser.add_argument("--force", action="store_true", help=_("overwrite the file of -o"))


def do(args: argparse.Namespace) -> int:
    """Draw."""
    asked = Asked(args.x, args.y, args.by, args.kind)
    read = _reader(args.file)
    chart = _recorded(args.file, asked) if read is None else _of_rows(args.file, asked, read)
    if args.to is not None:
        _picture(chart, args.to, args.output, args.force)
    elif args.output not in (None, NAME):
        with _written(args.output, args.force) as file:
            for line in charts.draw(chart, 80):
                file.write("".join(text for text, _tone in line).rstrip().encode() + b"\n")
    else:
        print_lines(charts.draw(chart, chart_width()))
    return DONE


def _reader(path: str) -> Reader | None:
    """Return the reader of a file's rows; None for a recording. Raises BadInput."""
    try:
        with open_bytes(path) as file:
            first = file.read(_LOOK).partition(b"\n")[0]
    except OSError as error:
        raise BadInput.because(path, "cannot be read", reason=error.strerror) from None
    return rows.read if b'"key"' in first else spreadsheet.read if spreadsheet.is_ours(first) else None


def _of_rows(path: str, asked: Asked, read: Reader) -> Chart:
    try:
        with open_bytes(path) as file:
            table = read(file, asked)
        chart = rows.chart(table, asked)
    except BadValue as bad:
        raise BadInput(path, problems_of(bad)) from None
    if table.left_out:
        said = ngettext("{number} row is left out: it failed or was cut short",
                        "{number} rows are left out: they failed or were cut short", table.left_out)  # fmt: skip
        complain(said.format(number=table.left_out))
    return chart


def _recorded(path: str, asked: Asked) -> Chart:
    with opened(path) as recording:
        chart = recordings.chart(fold(recording.events()), asked)
    complain_of(recording)
    return chart


def _picture(chart: Chart, form: str, path: str | None, overwrite: bool) -> None:
    try:
        if path in (None, NAME):
            with binary() as out:
                pictures.write(chart, form, out)
        else:
            with _written(path, overwrite) as file:
                pictures.write(chart, form, file)
    except ImportError:
        raise BadInput.because("--to", "no plot extra", hint="pip install 'ossandbox[plot]'") from None


@contextmanager
def _written(path: str, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that appears once all of it was written. Raises BadInput."""
    try:
        with new_file(path, overwrite) as file:
            yield file.buffer
    except FileExistsError:
        raise BadInput.because(path, "file exists") from None
    except OSError as error:
        raise BadInput.because(path, "cannot be written", reason=error.strerror) from None
