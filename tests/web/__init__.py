"""Tests of the page, in a real Chromium on the real server."""
