"""R4 search parameters: index terms and criteria."""
