"""Blocks and unblocks the signals of a thread without running their handlers in the hook."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIG_BLOCK, _SIG_SETMASK = 0, 2
_MASK_BYTES = 128


class Masks:
    """Blocks signals while a thread waits in the hook, since their handlers belong to the program, and run in its turn.

    Signals must be unblocked such that the interpreter does not check for them at once, but as soon as the program goes
    on: an exception of a handler must be raised in the program, not here. So the C function is called by iteration,
    before and after which there is no check, because another thread may have received a signal already.
    """

    def __init__(self) -> None:
        self._all = ctypes.create_string_buffer(b"\xff" * _MASK_BYTES, _MASK_BYTES)
        self.set = ctypes.CDLL(None).pthread_sigmask
        self.set.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self.block = ((_SIG_BLOCK,), (ctypes.addressof(self._all),))
        self.restore = _SIG_SETMASK

    @staticmethod
    def new() -> Any:
        """Return the buffer for the signal mask of a thread."""
        return ctypes.create_string_buffer(_MASK_BYTES)

    @staticmethod
    def place(mask: Any) -> int:
        """Return the address of such a buffer."""
        return ctypes.addressof(mask)
