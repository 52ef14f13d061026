"""Calls in a database: each line loaded once, summed up in rollups, and read again by a report."""
