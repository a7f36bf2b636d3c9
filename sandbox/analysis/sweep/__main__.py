"""The persistent worker of a sweep: ``python -m sandbox.analysis.sweep``. It reads chunks and writes a row per line."""

from __future__ import annotations

import os
import sys

from sandbox import __version__
from sandbox.analysis.sweep import messages
from sandbox.analysis.sweep.run import make
from sandbox.link.worker import detach
from sandbox.util.timeout import ALARM


def main() -> None:
    """Serve until the end of the input. Output of policies is discarded."""
    out = detach()
    ALARM.end_hanging_process()
    out.write(__version__.encode() + b"\n")
    out.flush()
    for line in sys.stdin.buffer:
        chunk = messages.decode(line)
        for row in chunk.rows:
            out.write(make(chunk, row) + b"\n")
            out.flush()
    os._exit(0)  # do not wait for threads that a policy has started


if __name__ == "__main__":
    main()
