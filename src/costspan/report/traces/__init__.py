"""One trace out of the files: found, put together as a tree, and drawn."""
