"""Dollars that bought nothing, or more than they had to: what the lines of calls can tell of it."""
