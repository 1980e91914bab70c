"""One switch for the shortcuts that change no result: training and asking take them, measuring latency does not.

What is measured is the model as anybody runs it; what we do to get through a training sooner is our own affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from distill_core.models.block_attention import attention_by_blocks
from distill_core.models.fast_dropout import fast_dropouts
from distill_core.models.fast_linear import fast_linears

_TAKEN: ContextVar[bool] = ContextVar("shortcuts", default=False)


@contextmanager
def shortcuts(*modules: object) -> Iterator[None]:
    """Inside, encoders leave out what nobody reads, and what these modules are made of computes the faster way."""
    token = _TAKEN.set(True)
    try:
        with fast_linears(*modules), fast_dropouts(*modules), attention_by_blocks(*modules):
            yield
    finally:
        _TAKEN.reset(token)


def are_taken() -> bool:
    return _TAKEN.get()
