"""`python -m lm_debugger` is the command `lm-debugger`."""

from lm_debugger.cli import main

if __name__ == "__main__":
    main(prog_name="lm-debugger")
