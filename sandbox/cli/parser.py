"""What ``argparse`` says, and how it lays it out, in the language that is spoken."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import Any

from sandbox.i18n import N_, _, ngettext
from sandbox.render.output import write
from sandbox.util.interpreter import actions_of, break_help_like, check_choices_by, say_by, translate_argparse

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
    """A parser whose messages are in the current language, and suggest what an unknown word may mean. ``lenient``: it
    leaves unknown words to others."""

    def __init__(self, *words: Any, lenient: bool = False, **more: Any) -> None:
        more["formatter_class"] = lambda prog: _Formatter(prog, width=_width())
        super().__init__(*words, **more)
        self._lenient = lenient

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse the words. Those of a command end it here and not in the parser of all commands, which does not know
        the command's options."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown and not self._lenient:
            self.error(self._unknown(unknown))
        return found, unknown

    def _unknown(self, words: list[str]) -> str:
        from sandbox.model.values import nearest  # imported only for errors, as below

        said = _("unrecognized arguments: %s") % " ".join(words)
        options = [option for action in actions_of(self) for option in action.option_strings]
        meant = next((near for word in words if word[:1] == "-" and (near := nearest(word.split("=")[0], options))), "")
        return _("{said}. Did you mean {hint}?").format(said=said, hint=meant) if meant else said


def _check_choice(action: argparse.Action, value: Any) -> None:
    if action.choices is None or value in action.choices:
        return
    from sandbox import wording
    from sandbox.model.clause import Clause
    from sandbox.model.values import nearest, shown

    allowed = [*map(str, action.choices)]
    hint = nearest(str(value), allowed)
    what = Clause("not one of the allowed words", {"value": shown(value), "allowed": " | ".join(allowed), "hint": hint})
    raise argparse.ArgumentError(action, wording.problem(what))


say_by(Parser, write)
check_choices_by(Parser, _check_choice)
