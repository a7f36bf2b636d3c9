"""``ossandbox policies``: what there is to schedule by."""

from __future__ import annotations

import argparse
import json

from sandbox.exits import DONE


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the list takes."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--rules", action="store_true", help="print the order of things at one instant")


def do(options: argparse.Namespace) -> int:
    """List the policies, or print the rules."""
    from sandbox import listings

    if options.rules:
        print(listings.rules())
    elif options.json:
        print(json.dumps(listings.policy_documents()))
    else:
        listings.print_policies()
    return DONE
