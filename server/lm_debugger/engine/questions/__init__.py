"""What can be asked of a model: one file per question, with what is asked (`Ask`), what is
answered, and how one becomes the other. `Debugger.ask` does the rest, the same for all: see `base`.

These files are read by whoever takes requests, writes files or prints help, long before a model is
there. So they import nothing that imports torch but where they compute.
"""
