"""Our sums beside the provider's: by day and model, with what may explain the difference."""
