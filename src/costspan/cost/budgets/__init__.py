"""Budgets: limits, what counts towards them, what is reserved before a call, and who is told."""
