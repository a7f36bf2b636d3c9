"""``ossandbox check``: every fault of a file, nothing run."""

from __future__ import annotations

import argparse

from sandbox.exits import BAD_INPUT, DONE
from sandbox.scenario import BadScenario, load


def arguments(parser: argparse.ArgumentParser) -> None:
    """What a check takes."""
    parser.add_argument("files", nargs="+", metavar="FILE")


def do(options: argparse.Namespace) -> int:
    """Check each file."""
    from sandbox.report import print_problems

    status = DONE
    for file in options.files:
        try:
            load(file)
        except BadScenario as bad:
            print_problems(bad)
            status = BAD_INPUT
        else:
            print(f"{file}: ok")
    return status
