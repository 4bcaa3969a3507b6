"""How fast worker and pages are, next to a bare echo on the same machine: `python -m tests.bench`."""
