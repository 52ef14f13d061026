"""Calls in DuckDB beside the rates of a price book: as they are, and as they would be otherwise."""
