"""Exchange folders: records come and go as files, often on a network share, often with Windows.

`names` and `counter` are pure rules; `files` alone touches the file system; `inbox` claims what
arrives, `outbox` places what leaves, `notes` says in German what was wrong, `state` looks without
changing anything. None of these knows the gateway; `listener` and `sender` are its wires.
"""
