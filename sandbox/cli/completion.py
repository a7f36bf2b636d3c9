"""``ossandbox completion``: what a shell has to run so that the tab key completes commands, options and names."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable
from typing import Any

from sandbox.cli.exits import DONE
from sandbox.i18n import _
from sandbox.render.output import say
from sandbox.util.interpreter import actions_of, commands_of

SHELLS = ("bash", "zsh", "fish")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    where = _("for ~/.bashrc and the like: source <(ossandbox completion bash)")
    parser.add_argument("shell", choices=SHELLS, help=where)


def do(args: argparse.Namespace) -> int:
    """Print it."""
    from argcomplete.shell_integration import shellcode

    say(shellcode(["ossandbox"], shell=args.shell).rstrip("\n"))
    return DONE


def asked_words() -> list[str]:
    """The words before the one that is to be completed; before the first, what asks for all commands."""
    line = os.environ.get("COMP_LINE", "")
    try:
        words = shlex.split(line + "x")[1:-1]
    except ValueError:  # a quotation that is not closed yet
        words = line.split()[1:-1]
    return words if any(not word.startswith("-") for word in words) else ["-h"]


def answer(parser: argparse.ArgumentParser) -> int:
    """Tell the shell what may stand there."""
    import argcomplete

    for action in actions_of(parser):
        _teach(action)
    argcomplete.autocomplete(parser, always_complete_options=False)
    return DONE


def _teach(action: argparse.Action) -> None:
    """Names that are known where they are asked for; below them, files."""
    if (commands := commands_of(action)) is not None:
        for name in _scenarios():  # the app needs no command
            commands.add_parser(name)
        for parser in commands.choices.values():
            for each in actions_of(parser):
                _teach(each)
    elif action.dest in _NAMES:
        from argcomplete.completers import FilesCompleter

        names, files = _NAMES[action.dest], FilesCompleter()
        taught: Any = action  # argcomplete looks there
        taught.completer = lambda prefix, **more: [*names(), *files(prefix, **more)]


def _scenarios() -> list[str]:
    from sandbox.scenario import built_in

    return [file.stem for file in built_in()]


def _policies() -> list[str]:
    from sandbox import policies

    return policies.names()


_NAMES: dict[str, Callable[[], list[str]]] = {
    "scenario": _scenarios,
    "scenarios": _scenarios,
    "recording": _scenarios,
    "policy": _policies,
    "policies": _policies,
}
