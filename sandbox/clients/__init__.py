"""Unscheduled clients, which talk to the servers of a scenario."""
