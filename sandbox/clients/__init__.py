"""Clients outside the schedule, which talk to the servers of a scenario."""
