"""The engine against the oracle, closed forms and plain transformers."""
