"""Prices: the table and the user's own rates, one call's arithmetic, and where a price is from."""
