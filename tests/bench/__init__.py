"""How fast the worker answers, next to a bare echo on the same machine: `python -m tests.bench`."""
