"""Recordings: runs stored as files that can be replayed on any computer."""
