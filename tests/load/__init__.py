"""The server under load and in trouble: many clients, long runs, made-up requests, faults."""
