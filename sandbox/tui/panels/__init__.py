"""The views that share the middle of the screen; ``keys.PANELS`` lists them.

A panel is a module of this package, or a package of its own, and nobody imports it but ``make``: the first frame loads
the one that it shows. What a screen has to know of a panel's widgets is a class that it can import without them
(``sandbox.tui.widgets.entry.TakesAllKeys``), and what only some of a panel's moments need is imported in the function
that needs it.
"""

from __future__ import annotations

from importlib import import_module

from sandbox.tui.panels.panel import Panel


def make(name: str) -> Panel:
    """The panel of this name; its file is loaded when it comes to the front for the first time."""
    made: Panel = getattr(import_module(f"{__name__}.{name}"), name.capitalize())(id=name)
    return made
