"""Nouns and state tables: standard library only, frozen dataclasses and enums."""
