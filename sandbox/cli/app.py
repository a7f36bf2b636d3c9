"""``ossandbox [SCENARIO]``: the app."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

import msgspec

from sandbox.cli import run_options
from sandbox.cli.exits import BAD_INPUT
from sandbox.cli.opening import has_terminal, start_kernel
from sandbox.cli.recordings import opened_lesson
from sandbox.cli.run_options import RunOptions, prepare, recorder, unstretched
from sandbox.i18n import _
from sandbox.model.spec import Scenario
from sandbox.scenario import recording_of
from sandbox.tui.served import is_served
from sandbox.util import stdin

if TYPE_CHECKING:
    from sandbox.tui.state.session import Link


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", nargs="?", default="welcome", help=_(run_options.SCENARIO))
    says = _("for guests: no programs can be started or typed into, and no files named")
    parser.add_argument("--no-commands", action="store_true", help=says)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the app."""
    run_options.add_policy(parser)
    run_options.add(parser)
    run_options.add_stretch(parser)
    run_options.add_recording(parser)
    run_options.add_screen(parser)
    run_options.add_virtual(parser)


def do(args: argparse.Namespace) -> int:
    """Open the app."""
    options = RunOptions.of(args)
    if has_only_recording(options):
        return open_recorded(options, args.ascii)
    return open_app(options, args.ascii, args.no_commands)


def has_only_recording(options: RunOptions) -> bool:
    """Return whether a lesson is shown as the recording that comes with it, because no real processes can run here."""
    tries = options.virtual or options.sensor != "auto"
    return sys.platform != "linux" and not tries and recording_of(options.scenario) is not None


def recording_notice() -> str:
    """Return the sentence that tells the user of such a recording."""
    return _("This is a recording of a real run. Real processes run on Linux, virtual ones everywhere: --virtual")


def open_app(options: RunOptions, ascii_only: bool, locked: bool = False) -> int:
    """Open the app with a scenario. ``locked``: for guests, who may not start programs."""
    gc.disable()  # there is no garbage before the first frame; the app enables it again
    from sandbox.tui.app import run_app
    from sandbox.tui.ascii import has_no_signs
    from sandbox.tui.config import read_config
    from sandbox.tui.state.live import Live

    def start(scenario: Scenario) -> Link:
        return start_kernel(msgspec.structs.replace(boot, scenario=scenario), options.strict)

    if is_served():
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
    """Exit with the server of the page, without which the app cannot be seen."""
    if sys.platform == "linux":
        from sandbox.util import libc

        libc.end_with_reader(1)


def open_recorded(options: RunOptions, ascii_only: bool) -> int:
    """Open the app with the recording that comes with a lesson. Raises BadInput if there is none."""
    from sandbox.cli.replay import play

    with opened_lesson(options.scenario) as recording:
        return play(recording, ascii_only, options.tempo, [recording_notice()])
