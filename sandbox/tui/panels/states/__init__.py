from sandbox.tui.panels.states.panel import States

__all__ = ["States"]
