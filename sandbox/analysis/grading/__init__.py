"""Marks for submissions: tasks with points, judged in a room for strangers' code, and reports for course platforms."""
