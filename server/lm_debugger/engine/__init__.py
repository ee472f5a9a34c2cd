"""The engine: hooks, lens, interventions, tracing and generation. torch and transformers only."""
