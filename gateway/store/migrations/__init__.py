"""Migrations: forward only, one file each, the first makes everything."""
