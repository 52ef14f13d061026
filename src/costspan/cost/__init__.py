"""What calls cost: prices, budgets, the ledger and the tracker that ties them together."""
