"""Runs as files and as programs: what somebody worked on, kept, shared and run elsewhere."""
