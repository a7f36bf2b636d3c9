"""Real processes from spawn to reap, with their terminals and descendants."""
