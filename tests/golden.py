"""Table 8 of arXiv 2203.14680 against the real gpt2-medium, where it can be had.

    python -m tests.golden [gpt2-medium]

No test: the checkpoint is not in the repository, and a test that is skipped tells nothing. It needs
the model in the local Hugging Face cache, or the hub, and ends with 1 if a row differs.
"""

from __future__ import annotations

import sys

from lm_debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import LoadError

# The paper's indices are 1-based; these are 0-based (docs/semantics.md).
TABLE_8 = {
    "L13D1852": "transparency disclosure clearer parency iquette humility modesty disclosures "
    "accountability safer",
    "L14D72": "respectful honorable healthy decent fair erning neutral peacefully respected reconc",
    "L14D1394": "safe neither safer course safety safe Safe apologize Compact cart",
    "L15D215": "refere Messages promises Relations accept acceptance Accept assertions persistence "
    "warn",
    "L16D461": "should should MUST ought wisely Should SHOULD safely shouldn urgently",
    "L16D3208": "peaceful stable healthy calm trustworthy impartial stability credibility "
    "respected peace",
    "L16D4060": "Proper proper moder properly wisely decency correct corrected restraint "
    "professionalism",
    "L17D2920": "thank THANK thanks thank Thank apologies Thank thanks Thanks apologise",
    "L18D1890": "thanks thank Thanks thanks THANK Thanks Thank Thank thank congratulations",
    "L22D3769": "free fit legal und Free leg pless sound qualified Free",
}


def main(model: str) -> int:
    """Compare every row; prints what differs, returns the number of rows that do."""
    try:
        debugger = Debugger.load(model)
    except LoadError as error:
        sys.stderr.write(f"{error.message}\n")
        return len(TABLE_8)
    wrong = 0
    for name, row in TABLE_8.items():
        at = ValueId.parse(name)
        found = [t.token.text.strip() for t in debugger.project(at.layer, at.dim, 10).promoted]
        same = found == row.split()
        wrong += not same
        sys.stdout.write(f"{name:10}{'as in the paper' if same else f'{found} != {row}'}\n")
    return wrong


if __name__ == "__main__":
    sys.exit(min(1, main(*sys.argv[1:] or ["gpt2-medium"])))
