"""Files: the calls file and what its lines look like."""
