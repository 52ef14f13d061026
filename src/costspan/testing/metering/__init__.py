"""What the pytest plugin counts with: whose a call is, which budgets hold, what is shown."""
