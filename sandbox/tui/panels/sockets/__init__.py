from sandbox.tui.panels.sockets.panel import Sockets

__all__ = ["Sockets"]
