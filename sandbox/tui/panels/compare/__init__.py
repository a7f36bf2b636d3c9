from sandbox.tui.panels.compare.panel import Compare

__all__ = ["Compare"]
