"""Real processes, scheduled by signals."""
