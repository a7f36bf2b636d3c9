"""Signals that this system may not have."""

from __future__ import annotations

import signal
from collections.abc import Sequence

#: What asks a program to end; Windows has no SIGHUP.
ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def chosen(among: Sequence[signal.Signals] = ENDING) -> list[signal.Signals]:
    """Those that may end us: one that was ignored when we began (``nohup``) somebody wanted to be ignored."""
    return [number for number in among if signal.getsignal(number) is not signal.SIG_IGN]
