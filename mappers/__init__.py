"""What messages mean: decoders, mappings and encoders, pure functions without clock or network."""
