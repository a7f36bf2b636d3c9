"""Sockets: the system's lists of them, who has which, and who listens."""
