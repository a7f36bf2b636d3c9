from sandbox.tui.panels.board.panel import Board

__all__ = ["Board"]
