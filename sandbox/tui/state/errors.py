"""Errors for requests to a session that cannot be carried out."""


class Impossible(Exception):
    """A request to a session cannot be carried out, for the reason in the message. ``severe``: show it as a warning."""

    def __init__(self, says: str, severe: bool = False) -> None:
        super().__init__(says)
        self.severe = severe


class KernelGone(Exception):
    """The kernel process has died, so that requests reach no machine."""
