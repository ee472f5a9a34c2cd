"""Compares the two clusterings on one model: mean cosine of the vectors with their own centre.

python -m tests.benchmarks.clusters [demo]
"""

from __future__ import annotations

import argparse
import time

import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.index.kmeans import spherical_kmeans
from lm_debugger.index.linkage import complete_linkage
from lm_debugger.index.stages.clustering import default_number


def main(name: str) -> None:
    debugger = Debugger.load(name, device="cpu")
    adapter = debugger.adapter
    matrices = [adapter.value_matrix(layer) for layer in range(adapter.n_layers)]
    vectors = torch.nn.functional.normalize(torch.cat(matrices), dim=1)
    k = default_number(len(vectors))
    for title, method in (("k-means", spherical_kmeans), ("complete linkage", complete_linkage)):
        began = time.perf_counter()
        labels, cosines, centres = method(matrices, k)
        took = time.perf_counter() - began
        sizes = labels.bincount()
        sums = torch.zeros_like(centres).index_add_(0, labels.long(), vectors)
        # the mean cosine of all pairs of a cluster, a vector's pair with itself left out
        pairs = sizes * (sizes - 1)
        within = (sums.square().sum(dim=1) - sizes).sum() / pairs.sum()
        print(
            f"{name}, {title}: {len(centres)} clusters, mean cosine with the own centre "
            f"{cosines.mean():.3f}, mean cosine of pairs within a cluster {within:.3f}, largest "
            f"cluster {int(sizes.max())}, {took:.0f} s"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="demo")
    main(parser.parse_args().model)
