"""The programs that processes run, and hooks in those of the user."""
