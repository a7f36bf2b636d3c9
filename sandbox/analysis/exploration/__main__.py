"""A worker of an exploration: ``python -m sandbox.analysis.exploration``. It reads orders, and writes one run per
line."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

import msgspec

from sandbox.analysis.exploration.crew import Opening, Order, Refused
from sandbox.analysis.exploration.runner import RealRunner
from sandbox.link.worker import detach
from sandbox.model.events import Clause
from sandbox.model.values import BadValue


def main() -> None:
    """Make runs until the standard input is closed."""
    out = detach()
    encode = msgspec.json.Encoder().encode

    def tell(message: msgspec.Struct) -> None:
        out.write(encode(message) + b"\n")
        out.flush()

    opening = msgspec.json.decode(sys.stdin.buffer.readline(), type=Opening)
    if opening.parent not in (0, os.getppid()):  # the parent has died before this process was bound to it
        os._exit(1)
    decode = msgspec.json.Decoder(Order).decode
    try:
        with RealRunner(opening.scenario, opening.cpu) as runner:
            for line in sys.stdin.buffer:
                wish = decode(line)
                tell(runner.run(wish.order, wish.roams, wish.met, wish.start))
    except BadValue as bad:
        tell(Refused(bad.what))
    except OSError as error:
        tell(Refused(Clause("cannot be explored", {"reason": error.strerror or str(error)})))
    os._exit(0)


if __name__ == "__main__":
    main()
