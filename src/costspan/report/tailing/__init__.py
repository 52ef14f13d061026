"""Calls as they are written: a folder followed live, what is chosen of it, and running totals."""
