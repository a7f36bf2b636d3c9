"""The views that share the middle of the screen; ``keys.PANELS`` lists them."""

from __future__ import annotations

from importlib import import_module

from sandbox.tui.panels.panel import Panel


def make(name: str) -> Panel:
    """The panel of this name; its file is loaded when it comes to the front for the first time."""
    made: Panel = getattr(import_module(f"{__name__}.{name}"), name.capitalize())(id=name)
    return made
