from sandbox.tui.panels.waits.panel import Waits

__all__ = ["Waits"]
