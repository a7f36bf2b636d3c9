"""Recordings: a run as a file that anybody can look at again, on any machine."""
