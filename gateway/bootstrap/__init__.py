"""Bootstrap: the only place that names concrete classes and ties them together.

`process.py` is one serving process from start to stop; `http.py` is the gateway as the HTTP
interface sees it; `listeners.py` opens the wires others send to.
"""
