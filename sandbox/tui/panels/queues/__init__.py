from sandbox.tui.panels.queues.panel import Queues

__all__ = ["Queues"]
