"""Sockets: the system's list of them, the processes that hold them, and the sockets of the scenario's servers."""
