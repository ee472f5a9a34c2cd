"""Standard output and error that can write every text, whatever their encoding.

On Windows, in a Latin-1 locale or under PYTHONIOENCODING they lack most characters that a tokenizer
has. What is lacking is written as JSON writes it, "\\u65e5": nothing is lost, and JSON stays JSON.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys

_ESCAPED = "lm_debugger_escaped"
_ASCII = "lm_debugger_ascii"


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII under a name of its own: click takes a stream that calls itself ASCII for one whose
    encoding nobody chose, and writes UTF-8 to it."""
    if name != _ASCII:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        known.streamreader,
        known.streamwriter,
        known.incrementalencoder,
        known.incrementaldecoder,
        name=_ASCII,
    )


def make_lossless() -> None:
    """Let what the encoding of stdout or stderr lacks be written as escapes."""
    codecs.register_error(_ESCAPED, _escape)
    codecs.register(_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if is_ascii else None, errors=_ESCAPED)


def let_go() -> None:
    """Whoever read standard output has gone: what is still written goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
