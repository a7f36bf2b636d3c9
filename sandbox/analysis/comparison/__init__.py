"""Policies side by side: who takes part, what came of each run, and how real runs differ from virtual ones."""
