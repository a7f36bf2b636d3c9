"""How a command ends: its exit status."""

DONE = 0
FAILED = 1
BAD_INPUT = 2
HUNG_UP = 129
INTERRUPTED = 130
