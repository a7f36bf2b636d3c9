"""General helpers independent of the project: text, units, addresses, time limits, signals, the C library."""
