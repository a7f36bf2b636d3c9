"""``python -m sandbox.kernel SERVER …``: the kernel process. The module SERVER connects the kernel to a machine.

The kernel imports neither a machine nor a link, so the module that does is named on the command line.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

if __name__ == "__main__":
    import_module(sys.argv[1]).main(*sys.argv[2:])
    os._exit(0)  # do not wait for threads that a policy has started
