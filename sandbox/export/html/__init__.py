"""A recording as a page that plays it."""
