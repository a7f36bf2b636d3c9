"""The command line: each command is a module of this package, imported only when it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from sandbox import __version__
from sandbox.cli.exits import BAD_INPUT, DONE, FAILED, INTERRUPTED, fresh_signals, leave
from sandbox.cli.parser import Parser
from sandbox.i18n import LANGUAGES, NATIVE, Messages, _, system_language, use
from sandbox.model.problems import BadInput
from sandbox.render.output import can_say, open_streams
from sandbox.util.output import hurry, patient_streams
from sandbox.util.timeout import ALARM

#: The commands, in the order of the help. The module of the same name has ``arguments``, which declares what the
#: command takes, and ``do``, which does it and returns the exit status.
COMMANDS: Messages = {
    "run": "run a scenario on real processes, without the app",
    "simulate": "run a scenario exactly, in virtual time",
    "compare": "run a scenario under several policies, and show them side by side",
    "explore": "search for an order of turns in which a program breaks, on real processes",
    "sweep": "run scenarios under many policies, parameters and seeds, on all CPUs or on a cluster",
    "plot": "draw charts of a sweep's rows or of a recording, in the terminal or as a picture",
    "serve": "serve the app to a browser on this machine, a run in each tab",
    "replay": "open a recording in the app, to go forwards and backwards",
    "whatif": "repeat a recorded run under another policy or quantum, in virtual time",
    "export": "write a recording for other tools: Perfetto, spreadsheets, slides",
    "check": "check scenario files, and whether a policy keeps the laws of scheduling",
    "grade": "grade students' policies in isolation, and write reports for course platforms",
    "labs": "list ready assignments, and write one for students",
    "lessons": "list the lessons of the course",
    "lesson": "open a lesson, print it as plain text, or check its claims",
    "scenarios": "list the built-in scenarios",
    "policies": "list the scheduling policies",
    "schema": "print the JSON Schema of documents",
    "doctor": "examine what this machine can do, and what to do about what is missing",
    "completion": "print the code for completion of commands in bash, zsh or fish",
}
#: Commands that run policies in their own process, without the app.
_ISOLATED = {"simulate", "compare", "sweep", "whatif", "check", "grade"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point. Returns the exit status. ``arguments``: by default those of the command line."""
    if arguments is None and "_ARGCOMPLETE" in os.environ:
        from sandbox.cli import completion

        return completion.answer(_parser(completion.asked_words()))
    open_streams()
    if arguments is None:
        fresh_signals()
    words = list(sys.argv[1:] if arguments is None else arguments)
    use(_native())
    spoken, words = _language().parse_known_args(words)
    use(spoken.lang)
    if arguments is not None:
        return _run(words)
    if sys.platform != "win32" and _first(words) in COMMANDS:  # the app writes through Textual
        patient_streams()
    if sys.platform == "linux" and _first(words) in _ISOLATED:  # elsewhere the sender of a signal is unknown
        from sandbox.cli.isolate import isolated

        return leave(isolated(lambda last_words: _run(words, last_words)))
    return leave(_run(words))


def _run(words: Sequence[str], last_words: int = 2) -> int:
    """Run the command of these words. ``last_words``: the descriptor to which a hanging process writes its stack."""
    if _first(words) in COMMANDS:  # the app has to restore the terminal first
        ALARM.end_hanging_process(last_words)
    reserve = None
    try:
        reserve = open(os.devnull, "rb", buffering=0)
        _check_first(words)
        args = _parser(words).parse_args(words)
        _check_streams(args)
        status: int = args.do(args)
        sys.stdout.flush()
        return status
    except (BadInput, OSError, MemoryError) as error:
        if reserve is not None:
            reserve.close()  # if no descriptors are left, one is needed to import what prints the error
        return _failed(error)
    except KeyboardInterrupt:
        hurry()
        return INTERRUPTED
    finally:
        if reserve is not None:
            reserve.close()


def _failed(error: BadInput | OSError | MemoryError) -> int:
    """Print why a command has failed. Returns the exit status."""
    from sandbox.render.stderr import abandon_stdout, complain, print_problems
    from sandbox.util.refusals import explained

    if isinstance(error, BadInput):
        print_problems(error)
        return BAD_INPUT
    if isinstance(error, MemoryError):
        complain(_("there is not enough memory"))
        return FAILED
    abandon_stdout()
    if isinstance(error, BrokenPipeError):
        return DONE  # the reader of our output has closed it
    said = _(error.strerror or str(error)) if error.filename else explained(error)
    complain(f"{said}: {error.filename}" if error.filename else said)
    return FAILED


def _check_first(words: Sequence[str]) -> None:
    """Check that the first word is a command or a scenario; suggest the command it may mean. Raises BadInput."""
    word = words[0] if words else "-"
    if word.startswith("-") or word in COMMANDS:
        return
    from sandbox.scenario import built_in, find

    try:
        find(word)
    except BadInput:
        from sandbox.model.values import nearest, shown

        meant = nearest(word, [*COMMANDS, *(path.stem for path in built_in())])
        if meant in COMMANDS:
            raise BadInput.because(word, "no such command", value=shown(word), hint=meant) from None
        raise


def _check_streams(args: argparse.Namespace) -> None:
    """Check uses of ``-`` for standard input and output. Raises BadInput."""
    if any(value == "-" or (isinstance(value, list) and "-" in value) for value in vars(args).values()):
        from sandbox.cli import standard

        standard.check(args)


def _native() -> str:
    """Return the language of the system, or English if the terminal lacks its characters."""
    language = system_language()
    return language if can_say(NATIVE[language]) else "en"


def _language() -> Parser:
    """Return a parser of ``--lang``, which is read first because it applies to all messages."""
    parser = Parser(prog="ossandbox", add_help=False, allow_abbrev=False, lenient=True)
    says = _("the language of all output")
    parser.add_argument("--lang", choices=LANGUAGES, default=_native(), help=says)
    return parser


def _parser(words: Sequence[str]) -> Parser:
    """Return the parser. A first word that is no command is a scenario for the app."""
    language = _language()
    parser = Parser(
        prog="ossandbox",
        description=_("A mini operating system in your terminal: real processes, a scheduler you can swap."),
        parents=[language],
        epilog=_("ossandbox [SCENARIO] opens the app; without a scenario, the welcome one."),
    )
    shows = _("show program's version number and exit")
    parser.add_argument("-V", "--version", action="version", version=f"ossandbox {__version__}", help=shows)
    first = _first(words)
    if first in COMMANDS or words[:1] in (["-h"], ["--help"]):
        commands = parser.add_subparsers(metavar="COMMAND", required=True)
        for name, says in COMMANDS.items():
            command = commands.add_parser(name, help=_(says), parents=[language])
            if name == first:
                _fill(command, name)
    elif words[:1] not in (["-V"], ["--version"]):  # these print the version and exit
        _fill(parser, "app")
    return parser


def _first(words: Sequence[str]) -> str | None:
    return next((word for word in words if not word.startswith("-")), None)


def _fill(parser: Parser, name: str) -> None:
    command = import_module(f"{__name__}.{name}")
    command.arguments(parser)
    parser.set_defaults(do=command.do)
