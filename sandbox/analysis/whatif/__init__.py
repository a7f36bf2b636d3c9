"""A recorded run once more, in virtual time, under another policy."""
