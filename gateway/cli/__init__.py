"""The `gateway` command: one file per command group, registered in `app.py`."""
