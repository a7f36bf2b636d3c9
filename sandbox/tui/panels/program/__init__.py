"""The program panel: the sources of running programs, side by side."""

from sandbox.tui.panels.program.panel import Program

__all__ = ["Program"]
