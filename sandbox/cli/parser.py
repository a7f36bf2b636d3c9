"""What ``argparse`` says, and how it lays it out, in the language that is spoken."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import Any

from sandbox.i18n import N_, _, ngettext
from sandbox.render.output import write
from sandbox.util.interpreter import break_help_like, say_by, translate_argparse

#: Messages of argparse, listed here for the message catalogues.
SAID = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("show this help message and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("unrecognized arguments: %s"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
)

translate_argparse(_, ngettext)


class _Formatter(argparse.HelpFormatter):
    """Measures text in terminal cells, because some characters take two."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        from sandbox.render.cells import Measured  # imported only when help is shown, as below

        super().add_usage(usage, actions, groups, Measured(_("usage: ") if prefix is None else prefix))


def _broken(text: str, width: int, indent: str = "") -> list[str]:
    from sandbox.render.cells import wrap

    return wrap(" ".join(text.split()), width, indent, indent)


break_help_like(_Formatter, _broken)


def _width() -> int:
    """Return the width of help as argparse computes it. Its own way imports shutil with all compressors, and is called
    for each option."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(1).columns
        except OSError:
            columns = 0
    return (columns or 80) - 2


class Parser(argparse.ArgumentParser):
    """A parser whose messages are in the current language."""

    def __init__(self, *words: Any, **more: Any) -> None:
        more["formatter_class"] = lambda prog: _Formatter(prog, width=_width())
        super().__init__(*words, **more)


say_by(Parser, write)
