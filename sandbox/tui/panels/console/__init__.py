from sandbox.tui.panels.console.panel import Console

__all__ = ["Console"]
