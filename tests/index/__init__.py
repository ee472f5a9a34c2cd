"""Tests of `lm_debugger.index`."""
