"""Memory that torch keeps for itself while a run trains: of small runs, the larger part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import nn

from distill_core.models.fast_linear import onednn_is_faster
from distill_core.planner.store import padded_tokens

#: bytes of torch's compiler, which any optimizer loads
COMPILER = 80_000_000
#: bytes of code that oneDNN makes for a matrix product of a shape it has not seen, and how many of these it keeps; both
#: hardly depend on the shape (from 128×128 to 768×3072 between 0.4 and 0.7 MB)
CODE, KEPT = 550_000, 1024
#: products of a linear layer: its output; and, where it is trained, the gradients of input and weights too
ASKED, TRAINED = ("output",), ("output", "input", "weight")


class Products:
    """The different matrix products of a run: each has code of its own where oneDNN computes them."""

    def __init__(self) -> None:
        self._shapes: set[tuple[int, int, int, str]] = set()

    def note(
        self, modules: Iterable[nn.Module], batches: Sequence[np.ndarray], lengths: np.ndarray, *, trained: bool
    ) -> None:
        """The linear layers of these modules, over batches of rows whose texts have `lengths` pieces."""
        tokens = np.unique(padded_tokens(batches, lengths)).astype(int).tolist()
        layers = (layer for module in modules for layer in module.modules() if isinstance(layer, nn.Linear))
        for shape in {(layer.out_features, layer.in_features) for layer in layers}:
            self._shapes.update((*shape, count, kind) for count in tokens for kind in (TRAINED if trained else ASKED))

    def __len__(self) -> int:
        return len(self._shapes)


def bytes_kept(products: Products) -> int:
    """What stays in memory for these products, and for training at all."""
    return COMPILER + (CODE * min(len(products), KEPT) if onednn_is_faster() else 0)
