"""A whole file that tells what its module has."""

# mypy: ignore-errors

import sys

print(sorted(name for name in globals() if name.startswith("__")), __annotations__, sys.argv[1:])
print(type(__loader__).__name__, __spec__, __cached__)
