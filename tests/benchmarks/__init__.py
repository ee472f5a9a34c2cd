"""Measurements, run by hand: `python -m tests.benchmarks.<name>`. They are never tests: machines
differ and are busy, so only ratios within one run mean something.
"""
