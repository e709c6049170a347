"""The store behind `pipeline/ports.py`: SQLAlchemy Core on SQLite and PostgreSQL."""
