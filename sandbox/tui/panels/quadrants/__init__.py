from sandbox.tui.panels.quadrants.panel import Quadrants

__all__ = ["Quadrants"]
