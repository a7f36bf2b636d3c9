"""The kernel process that profiles itself: instead of ``sandbox.link.server`` on its command line.

Where to: ``-X profile=FILE``.
"""

from __future__ import annotations

import cProfile
import sys

from sandbox.link import server


def main(fd: str) -> None:
    """As ``sandbox.link.server`` does it."""
    profile = cProfile.Profile()
    try:
        profile.runcall(server.main, fd)
    finally:
        profile.dump_stats(str(sys._xoptions["profile"]))
