"""HTTP around the engine: parse a body, call `Debugger`, dump the answer. No mathematics here."""
