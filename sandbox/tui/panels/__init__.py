"""The panels, of which one at a time fills the middle of the screen; ``keys.PANELS`` lists them.

A panel is a module of this package, or a package of its own, and only ``make`` imports it: the first frame loads just
the panel that it shows. What a screen needs to know of a panel's widgets is a class that can be imported without them
(``sandbox.tui.widgets.entry.TakesAllKeys``), and modules that a panel rarely needs are imported in the functions that
need them.
"""

from __future__ import annotations

from importlib import import_module

from sandbox.tui.panels.panel import Panel


def make(name: str) -> Panel:
    """Return a new panel of this name, importing its module if needed."""
    made: Panel = getattr(import_module(f"{__name__}.{name}"), name.capitalize())(id=name)
    return made
