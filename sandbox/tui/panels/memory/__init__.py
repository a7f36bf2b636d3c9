from sandbox.tui.panels.memory.panel import Memory

__all__ = ["Memory"]
