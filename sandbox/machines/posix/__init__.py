"""Real processes by what every UNIX has: signals, pseudo-terminals, and psutil. For macOS."""
