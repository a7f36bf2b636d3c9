"""Sockets: the system's list of them, which process holds which, and those of the scenario's servers."""
