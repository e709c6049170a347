"""gematik's ISiK test suite, run against a gateway over the wire.

`python -m conformance.isik FOLDER --base URL --data FILE` creates the records the features
presuppose (`data.json`, written for this), runs every scenario of the files in a folder, and prints
one line each. https://github.com/gematik/isik-testsuite
"""
