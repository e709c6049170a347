"""Other people's wires: one file per connection type, registered in `CONNECTION_TYPES`."""
