"""What can happen where a turn is a line: a line has been run."""

from __future__ import annotations

import msgspec

from sandbox.model.event import Event


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variable of a program that has another value than before, each as its ``repr``, shortened (``before`` None: it
    is new). ``shared``: other processes see the same one."""

    name: str
    after: str
    before: str | None = None
    shared: bool = False


class Stepped(Event, frozen=True, tag=True, omit_defaults=True):
    """``pid`` has run one ``line`` of ``file``, which is named from the scenario's folder, in ``function``, and stands
    before ``next_line`` of ``next_file`` (None: of the same file).

    ``line`` 0: it has only come to its first line; ``next_line`` 0: none is left to run. ``thread``: which of its
    threads, counted as they came, the first is 0. ``changed``: its simple variables that have other values since it
    last stopped; what others did to shared ones meanwhile is not its doing, and is not named.
    """

    pid: int
    file: str
    line: int
    next_line: int
    function: str
    next_file: str | None = None
    thread: int = 0
    changed: tuple[Change, ...] = ()
