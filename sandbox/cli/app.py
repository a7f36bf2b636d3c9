"""``ossandbox [SCENARIO]``: the app."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from sandbox.cli import run_options
from sandbox.cli.exits import BAD_INPUT
from sandbox.cli.recordings import opened_lesson
from sandbox.cli.run_options import RunOptions, prepare, recorder, unstretched
from sandbox.i18n import _
from sandbox.model.spec import Boot, Scenario
from sandbox.scenario import recording_of
from sandbox.util import stdin

if TYPE_CHECKING:
    from sandbox.tui.state.session import Link

#: Set where the app is served to a browser: what draws it there.
SERVED = "TEXTUAL_DRIVER"
#: Terminals that only print lines.
_NO_SCREENS = ("dumb", "unknown")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the app takes."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=_(run_options.SCENARIO))
    says = _("whoever has the keys starts no programs, types into none, and names no files")
    parser.add_argument("--no-commands", action="store_true", help=says)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the app takes beside the scenario."""
    run_options.add_policy(parser)
    run_options.add(parser)
    run_options.add_stretch(parser)
    run_options.add_recording(parser)
    run_options.add_screen(parser)
    run_options.add_virtual(parser)


def do(args: argparse.Namespace) -> int:
    """Open the app."""
    options = RunOptions.of(args)
    tries = options.virtual or options.sensor != "auto"
    if sys.platform != "linux" and not tries and recording_of(options.scenario) is not None:
        return open_recorded(options, args.ascii)
    return open_app(options, args.ascii, args.no_commands)


def open_app(options: RunOptions, ascii_only: bool, locked: bool = False) -> int:
    """Open the app over a scenario. ``locked``: for guests."""
    gc.disable()  # nothing that is made before the first frame is garbage; the app turns it on again
    from sandbox.tui.app import run_app
    from sandbox.tui.ascii import has_no_signs
    from sandbox.tui.config import read_config
    from sandbox.tui.state.live import Live

    def start(scenario: Scenario) -> Link:
        return start_kernel(msgspec.structs.replace(boot, scenario=scenario), options.strict)

    if os.environ.get(SERVED) is not None:
        _end_with_server()
    boot = prepare(options, real=not options.virtual, attended=True)
    config = read_config()._replace(ascii=ascii_only or has_no_signs(), locked=locked)
    if options.scenario == stdin.NAME:
        stdin.give_terminal_back()
    if not has_terminal(_("ossandbox run and ossandbox simulate need none")):
        return BAD_INPUT
    notices = unstretched(options, boot.scenario)
    keeps, tempo = recorder(options, boot.scenario), options.tempo
    session = Live(
        boot.scenario, start, recorder=keeps, notices=notices, virtual=options.virtual, tempo=tempo, locked=locked
    )
    return run_app(session, config)


def _end_with_server() -> None:
    """Nobody can see the app any more when the server of its page is gone."""
    if sys.platform == "linux":
        from sandbox.util import libc

        libc.end_with_reader(1)


def open_recorded(options: RunOptions, ascii_only: bool) -> int:
    """Open the app over the recording that comes with a lesson. Raises BadInput where none does."""
    from sandbox.cli.replay import play

    notice = _("This is a recording of a real run. Real processes run on Linux, virtual ones everywhere: --virtual")
    with opened_lesson(options.scenario) as recording:
        return play(recording, ascii_only, options.tempo, [notice])


def start_kernel(boot: Boot, strict: bool = False) -> Link:
    """The kernel process of a run in the app. It is not loaded before the first frame is out. Raises OSError."""
    boot = msgspec.structs.replace(boot, stay=True, attended=True)
    if sys.platform != "linux":
        from sandbox.link.loopback import LoopbackKernel

        return LoopbackKernel(boot, beats=True)
    from sandbox.link.client import KernelProcess

    return KernelProcess(boot, strict, beats=True)


def has_terminal(instead: str) -> bool:
    """Whether there is a terminal on which the app can draw; if not, that is said, and what to do ``instead``."""
    from sandbox.render.stderr import complain

    if os.environ.get(SERVED) is not None:
        return True  # in a tab of a browser
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        complain(_("the app needs a terminal; {instead}").format(instead=instead))
        return False
    if (kind := os.environ.get("TERM")) in _NO_SCREENS:
        said = _("the app needs a terminal with a screen, and TERM={kind} has none; {instead}")
        complain(said.format(kind=kind, instead=instead))
        return False
    return True
