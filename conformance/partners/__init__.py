"""Partners of the demo region, each a process of its own."""
