"""What the hook in a process and the machine say to each other, and the settings of a run.

Messages are texts, one per packet, whose fields are separated by ``SEPARATOR``. The first field is the type.
"""

from __future__ import annotations

SEPARATOR = "\x1f"
#: Types of messages from a thread: who it is; that it has come to a line; what has changed meanwhile; that the thread
#: ends; that the process ends, and how; that it is about to wait for a lock within its line, and that it has waited.
HELLO, LINE, NOTE, THREAD_ENDS, ENDS, BLOCKS, WAKES = "H", "L", "N", "T", "E", "B", "W"
#: The response to ASK: the state of its process.
STATE = "S"
#: Messages to a thread: go on; accept signals that end it, and wait on; report the state of the process, and wait on;
#: go on for so many lines, of which only the last is reported, with its state or without it.
GO, LISTEN, ASK, LINES, HURRY = b"g", b"l", b"s", b"n", b"h"
#: Kinds of HELLO: a process of the scenario, and another process, both of which wait to be told to go on; a thread that
#: has come to its first line.
START, FORK, THREAD = "start", "fork", "thread"
#: The kind of HELLO of a thread whose connection was closed.
AGAIN = "again"


class Settings:
    """Settings of a run.

    ``address``: where the machine listens; ``folder``: files below it are the program's own; ``by_instruction``:
    whether a step is a bytecode instruction; ``tells_states``: whether the whole state is reported at each line.
    """

    def __init__(self, address: str, folder: str, by_instruction: bool, tells_states: bool) -> None:
        self.address, self.folder = address, folder
        self.by_instruction, self.tells_states = by_instruction, tells_states

    def written(self) -> str:
        """Return the source of a tuple of arguments for an equal object."""
        return repr((self.address, self.folder, self.by_instruction, self.tells_states))
