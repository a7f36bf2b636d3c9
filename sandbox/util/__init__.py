"""Text, units, addresses, time limits, signals and the C library: what knows nothing of the project."""
