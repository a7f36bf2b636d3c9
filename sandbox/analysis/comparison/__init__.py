"""Compares policies on one scenario, and real runs with virtual ones."""
