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
    """Declare the command's arguments."""
    where = _("for ~/.bashrc and the like: source <(ossandbox completion bash)")
    parser.add_argument("shell", choices=SHELLS, help=where)


def do(args: argparse.Namespace) -> int:
    """Print the code for the shell."""
    from argcomplete.shell_integration import shellcode

    say(shellcode(["ossandbox"], shell=args.shell).rstrip("\n"))
    return DONE


def asked_words() -> list[str]:
    """Return the words before the one to complete; before the first word, ``-h``, so that all commands are known."""
    line = os.environ.get("COMP_LINE", "")
    try:
        words = shlex.split(line + "x")[1:-1]
    except ValueError:  # an unclosed quotation
        words = line.split()[1:-1]
    return words if any(not word.startswith("-") for word in words) else ["-h"]


def answer(parser: argparse.ArgumentParser) -> int:
    """Print the completions for the shell."""
    import argcomplete

    for action in actions_of(parser):
        _teach(action)
    argcomplete.autocomplete(parser, always_complete_options=False)
    return DONE


def _teach(action: argparse.Action) -> None:
    """Add completions of known names to an argument, and of files."""
    if (commands := commands_of(action)) is not None:
        for name in _scenarios():  # a scenario alone opens the app
            commands.add_parser(name)
        for parser in commands.choices.values():
            for each in actions_of(parser):
                _teach(each)
    elif action.dest in _NAMES:
        from argcomplete.completers import FilesCompleter

        names, files = _NAMES[action.dest], FilesCompleter()
        taught: Any = action  # argcomplete reads this attribute
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
