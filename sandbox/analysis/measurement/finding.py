"""The findings of an examination of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from sandbox.i18n import _
from sandbox.util.refusals import refused


class Finding(NamedTuple):
    """One examined thing. ``state``: ``ok``; ``limited``: it works with restrictions; ``fails``: real processes cannot
    run."""

    name: str
    state: Literal["ok", "limited", "fails"]
    found: str
    advice: str = ""


Check = Callable[[], Iterator[Finding]]


def findings_of(*checks: Check) -> list[Finding]:
    """Return the findings of these checks."""
    return [finding for check in checks for finding in _permitted(check)]


def _permitted(check: Check) -> Iterator[Finding]:
    """Yield the findings of a check. If the system denies something that it needs, that is the last one."""
    try:
        yield from check()
    except OSError as error:
        yield Finding(_("examination"), "limited", refused(error))
