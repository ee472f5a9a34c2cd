"""What is true of a model without any prompt: what every value vector promotes, which vectors speak
of a word or a concept, which belong together.

`bank` says which rows there are, `stages` make the files that `store` keeps, `build` runs them in
the background, `keywords`, `concepts` and `partition` answer, `source` is what all of them know of
a model, `model_index` is the one object that others use.
"""

from lm_debugger.index.model_index import ModelIndex

__all__ = ["ModelIndex"]
