"""Runs policies from files: loads them, checks each call and its result, and replaces a policy that fails."""
