"""Calls as rows of FOCUS, the FinOps Open Cost and Usage Specification, version 1.4."""
