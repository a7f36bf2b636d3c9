"""Prepares charts of the rows of a sweep, and of a single run."""
