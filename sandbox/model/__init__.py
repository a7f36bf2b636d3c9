"""Data types shared by all parts: events, commands, states, scenarios, values, claims, problems."""
