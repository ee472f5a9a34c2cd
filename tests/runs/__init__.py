"""Runs as files and as programs."""
