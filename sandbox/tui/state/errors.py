"""Why what a person asks of a session cannot be done."""


class Impossible(Exception):
    """What a person asks of a session cannot be done, as the sentence says. ``severe``: what they want is lost."""

    def __init__(self, says: str, severe: bool = False) -> None:
        super().__init__(says)
        self.severe = severe


class KernelGone(Exception):
    """The kernel process has died, and nobody hears what a person asks for."""
