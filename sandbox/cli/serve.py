"""``ossandbox serve``: the app in tabs of a browser, a run of its own for each."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from sandbox.cli import run_options
from sandbox.cli.exits import DONE, FAILED
from sandbox.cli.run_options import Given, RunOptions, prepare
from sandbox.i18n import _, spoken
from sandbox.model.problems import BadInput
from sandbox.model.values import Whole
from sandbox.render.output import say_aside
from sandbox.render.stderr import complain
from sandbox.util.addresses import EVERYWHERE

_PORT = 8000
_EVERYWHERE, _LOOPBACK = next(iter(EVERYWHERE.items()))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=_(run_options.SCENARIO))
    parser.add_argument("--port", metavar="N", help=_("the port to listen on (default: {port})").format(port=_PORT))
    parser.add_argument("--expose", action="store_true", help=_("accept connections from other machines, too"))
    says = _("users of the page may start programs, type into consoles and name files")
    parser.add_argument("--allow-commands", action="store_true", help=says)
    run_options.add_policy(parser)
    run_options.add_quantum(parser)
    parser.add_argument("--virtual", action="store_true", help=_("in virtual time: exact, and without real processes"))


def do(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    given = Given(args)
    port = given.value("port", Whole(1, 65_535)) or _PORT
    quantum_ns = given.value("quantum", run_options.QUANTUM)
    given.check()
    virtual = args.virtual or sys.platform != "linux"
    options = RunOptions.plain(args.scenario)._replace(policy=args.policy, quantum_ns=quantum_ns, virtual=virtual)
    prepare(options, real=not virtual, attended=True)  # to report errors here instead of in each tab
    try:
        from sandbox.tui.web import Web
    except ImportError:
        raise BadInput.because(_("options"), "no web extra", hint="pip install 'ossandbox[web]'") from None
    host = _EVERYWHERE if args.expose else _LOOPBACK
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        complain(_("cannot listen on port {port}: {reason}").format(port=port, reason=_(os.strerror(error.errno or 0))))
        return FAILED
    web = Web(_command(args, virtual), host, port, f"ossandbox {args.scenario}")
    if args.expose and args.allow_commands:
        complain(_("anybody who can reach this machine can start programs on it, with your rights"))
    say_aside(_("open http://{host}:{port}; ctrl+c ends the server and all runs").format(host=_LOOPBACK, port=port))
    web.serve()
    return DONE


def _command(args: argparse.Namespace, virtual: bool) -> list[str]:
    """Return the command that is started for each tab."""
    words = [sys.executable, "-m", "sandbox", "--lang", spoken()]
    for option in ("policy", "quantum"):
        if (value := getattr(args, option)) is not None:
            words += [f"--{option}", value]
    words += ["--virtual"] if virtual else []
    words += [] if args.allow_commands else ["--no-commands"]
    return [*words, args.scenario]
