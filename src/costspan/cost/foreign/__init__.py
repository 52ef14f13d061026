"""Spans that other instrumentations make: read, settled once, and given their price."""
