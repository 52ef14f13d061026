"""Files: calls and spans in them; how they are written, kept, read and verified."""
