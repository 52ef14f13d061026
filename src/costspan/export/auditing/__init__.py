"""The audit chain: how lines are sealed, and how what was done to them is found."""
