"""Examines and measures the machine, and verifies slices of a run by the system's records."""
