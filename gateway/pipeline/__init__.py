"""The story of a message: one stage per file."""
