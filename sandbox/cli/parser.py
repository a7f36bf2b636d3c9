"""What ``argparse`` says, and how it lays it out, in the language that is spoken."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.i18n import N_, _, ngettext
from sandbox.render.output import write
from sandbox.util.interpreter import translate_argparse

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

#: What argparse has to say to people of its own; it stands here for the catalogues.
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
    """Counts cells: in some languages a character takes two."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        from sandbox.render.cells import Measured  # only where help is shown, as below

        super().add_usage(usage, actions, groups, Measured(_("usage: ") if prefix is None else prefix))

    def _split_lines(self, text: str, width: int) -> list[str]:
        from sandbox.render.cells import wrap

        return wrap(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from sandbox.render.cells import wrap

        return "\n".join(wrap(" ".join(text.split()), width, indent, indent))


def _width() -> int:
    """As argparse has it, which imports every compressor there is to find out; and it asks at each option."""
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
    """Speaks the language that is spoken when it is made."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        return _Formatter(self.prog, width=_width())

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if message:
            write(message, file)
