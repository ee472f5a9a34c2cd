"""What is true of a model without any prompt: what every value vector promotes, which vectors speak
of a word or a concept, which belong together.

`store` keeps files, `projections` makes them, `keywords` and `concepts` search, `clusters` groups,
`build` does the long work in the background, `model_index` is the one object that others use.
"""

from lm_debugger.index.model_index import ModelIndex

__all__ = ["ModelIndex"]
