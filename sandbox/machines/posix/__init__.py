"""Schedules real processes with what every UNIX has: signals, pseudo-terminals, and psutil. For macOS."""
