"""Grades submissions: tasks with points, judged in isolation, and reports for course platforms."""
