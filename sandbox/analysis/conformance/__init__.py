"""Examines whether policies keep the laws of scheduling, on generated workloads in virtual time."""
