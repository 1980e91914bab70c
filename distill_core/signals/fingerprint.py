"""The name a signal cache has on disk: equal exactly where the signals would be equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import numpy as np

from distill_core.data.ragged import Keys
from distill_core.models.precision import Precision
from distill_core.signals.types import SignalSpec

#: Raise this when the cache's files, the rounding or the way words are cut changes.
FORMAT = 2


def fingerprint(
    teacher_fingerprint: str, ids: Iterable[str], spec: SignalSpec, max_tokens: int, *, precision: Precision = "fp32"
) -> str:
    """Content address of a teacher's signals on a set of examples; 64 hex digits, fit for a folder name.

    Args:
        teacher_fingerprint: changes whenever the teacher's weights or its order of classes do.
        ids: keys of the examples; their order and repetitions do not matter.
        spec: what is kept.
        max_tokens: where inputs are cut.
        precision: what the teacher computes in: in bf16 it says slightly other things.
    """
    digest = hashlib.sha256()
    settings = {"format": FORMAT, "teacher": teacher_fingerprint, "max_tokens": max_tokens, **spec.as_dict()}
    if precision != "fp32":
        settings["precision"] = precision
    digest.update(json.dumps(settings, sort_keys=True).encode())
    # Keys are ASCII: as bytes they have the same order, and take less room.
    distinct = np.unique(ids.raw) if isinstance(ids, Keys) else sorted({key.encode() for key in ids})
    for key in distinct:
        digest.update(b"\x1f" + bytes(key))
    return digest.hexdigest()
