"""The engine for people at a notebook: results that show themselves, become data frames or the
API's JSON, and a server for the page beside the notebook.
"""
