"""Seeing calls: the patches, the observation of each call, and the taps in streams and bodies."""
