"""The app: what it knows of a run (``state``), and how it shows that (``screens``, ``panels``, ``widgets``).

``keys`` lists everything that keys can do, and ``app`` is the entry point. Panels are given the events of the run, and
may ask the machine or the system for more while in front.
"""
