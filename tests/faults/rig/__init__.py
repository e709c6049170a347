"""The fault rig: a small region of real processes, and what is checked after every fault.

`region.py` writes a configuration, `gateway.py` and `partners.py` run processes, `inside.py` looks
into the store, `invariants.py` checks what must hold, `wire.py` speaks MLLP by hand, `tracing.py`
runs a gateway under strace.
"""
