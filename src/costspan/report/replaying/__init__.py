"""Stored calls and spans, sent to an OTLP endpoint with their own ids and times."""
