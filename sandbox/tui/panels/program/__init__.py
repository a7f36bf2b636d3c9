"""The sources of what runs, side by side."""

from sandbox.tui.panels.program.panel import Program

__all__ = ["Program"]
