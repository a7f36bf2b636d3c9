"""Events of stepped runs, in which a turn is a line."""

from __future__ import annotations

import msgspec

from sandbox.model.event import Event


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variable of a program whose value has changed. ``before``, ``after``: the shortened ``repr`` of the values
    (``before`` None: it is new); ``shared``: other processes see the same variable."""

    name: str
    after: str
    before: str | None = None
    shared: bool = False


class Stepped(Event, frozen=True, tag=True, omit_defaults=True):
    """``pid`` has run one ``line`` of ``file`` (relative to the scenario's folder) in ``function``, and has stopped
    before ``next_line`` of ``next_file`` (None: the same file).

    ``line`` 0: it has only reached its first line; ``next_line`` 0: no line is left to run. ``thread``: the number of
    the thread, in order of creation from 0. ``changed``: its simple variables whose values have changed since it last
    stopped, except for changes that other processes made to shared ones.
    """

    pid: int
    file: str
    line: int
    next_line: int
    function: str
    next_file: str | None = None
    thread: int = 0
    changed: tuple[Change, ...] = ()
