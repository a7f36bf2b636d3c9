"""Text, units, addresses, time-outs and the C library: what knows nothing of processes."""
