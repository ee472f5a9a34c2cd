"""The tests, laid out like the package they test. `reference.py` is the oracle."""
