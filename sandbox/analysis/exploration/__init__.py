"""Explores the orders of turns of a stepped program: searches for one in which it breaks, and finds all outcomes."""
