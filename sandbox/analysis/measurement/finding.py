"""What an examination of this machine finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from sandbox.i18n import _
from sandbox.util.refusals import refused


class Finding(NamedTuple):
    """One thing looked at. ``state``: ok; limited: it works, with less; fails: real processes cannot run."""

    name: str
    state: Literal["ok", "limited", "fails"]
    found: str
    advice: str = ""


Check = Callable[[], Iterator[Finding]]


def findings_of(*checks: Check) -> list[Finding]:
    """What these find, one after the other."""
    return [finding for check in checks for finding in _permitted(check)]


def _permitted(check: Check) -> Iterator[Finding]:
    """What a check finds, until the system refuses something that it needs."""
    try:
        yield from check()
    except OSError as error:
        yield Finding(_("examination"), "limited", refused(error))
