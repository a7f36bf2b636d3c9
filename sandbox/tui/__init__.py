"""The app: what it knows of a run (``state``), and what it shows of that (``screens``, ``panels``, ``widgets``).

``keys`` lists all that a key can do, ``app`` is where it begins. A panel is told what has happened, and may ask the
machine, or the system, for more while it is in front.
"""
