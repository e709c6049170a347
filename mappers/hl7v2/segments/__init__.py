"""One file per segment: what its fields mean, and where rows say it."""
