"""The same calls at another tariff: arithmetic on the counts of their lines, and no forecast."""
