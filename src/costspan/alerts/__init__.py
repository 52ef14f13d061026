"""Telling people: the alert, the courier that delivers it, and the sinks."""
