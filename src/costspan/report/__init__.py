"""Questions about the calls files: their sums, by whom and by what, and how they are shown."""
