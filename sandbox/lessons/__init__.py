"""Lessons: texts with figures from the run, and the course that the lessons form."""
