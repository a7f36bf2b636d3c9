"""The language of every part: events, commands, states, scenarios, values, claims, problems."""
