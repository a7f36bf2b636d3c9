"""Recordings for other tools: one file a format, each with a ``write``."""
