"""The signals that ask a program to end."""

from __future__ import annotations

import signal
from collections.abc import Sequence

#: Signals that ask a program to end; Windows has no SIGHUP.
ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def chosen(among: Sequence[signal.Signals] = ENDING) -> list[signal.Signals]:
    """Return the signals that should end this program: those that are not ignored. A signal that was ignored at its
    start, as with ``nohup``, is meant to stay ignored."""
    return [number for number in among if signal.getsignal(number) is not signal.SIG_IGN]
