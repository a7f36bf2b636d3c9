"""Lessons: texts whose figures come from the run, what they claim of it, and the course that they make."""
