"""Where sums are kept: one contract, and the stores that hold to it."""
