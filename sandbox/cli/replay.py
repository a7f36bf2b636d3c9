"""``ossandbox replay``: the app over a recording."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from sandbox.cli import run_options
from sandbox.cli.exits import BAD_INPUT
from sandbox.cli.opening import has_terminal, start_kernel
from sandbox.cli.recordings import opened
from sandbox.cli.run_options import Given
from sandbox.i18n import _
from sandbox.model.spec import Boot, Scenario
from sandbox.tui.state.session import Link
from sandbox.tui.state.tempo import Speed
from sandbox.util import stdin

if TYPE_CHECKING:
    from sandbox.trace.load import Recording


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recording", help=_("a recording: a file written by --record, or a lesson's name"))
    run_options.add_screen(parser)
    says = _("the initial speed: 0.001 … 1000, or max (in the app: < and >)")
    parser.add_argument("--speed", metavar="N", default="1", help=says)


def do(args: argparse.Namespace) -> int:
    """Open the app at the beginning of the recording."""
    given = Given(args)
    tempo = given.value("speed", Speed())
    given.check()
    with opened(args.recording) as recording:
        if args.recording == stdin.NAME:
            stdin.give_terminal_back()
        return play(recording, args.ascii, tempo)


def play(recording: Recording, ascii_only: bool, tempo: Fraction | None, notices: Sequence[str] = ()) -> int:
    """Open the app over a recording; ``notices``: what is to be said of it at first."""
    from sandbox.tui.ascii import has_no_signs
    from sandbox.tui.config import read_config

    config = read_config()._replace(ascii=ascii_only or has_no_signs())
    if not has_terminal(_("ossandbox export needs none")):
        return BAD_INPUT
    from sandbox.tui.app import run_app  # once nothing stands against it
    from sandbox.tui.state.replay import Replay

    return run_app(Replay(recording, _start, tempo=tempo, notices=notices), config)


def _start(scenario: Scenario) -> Link:
    """A scenario that is opened after the recording."""
    return start_kernel(Boot(scenario, virtual=sys.platform != "linux"))
