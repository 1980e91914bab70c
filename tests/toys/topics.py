"""A fourth task: classification whose figure has a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from distill_core.data.types import Rows
from distill_core.tasks.base import TaskWords
from distill_core.tasks.classification import Classification


class Topics(Classification):
    name, metric = "topics", "hits"
    words = TaskWords(
        files="Files: a text and its topic a row.",
        student="A spotter of topics",
        metric="hit rate",
        row="test letter",
        classes=("Topics", "topic", "letters"),
    )

    def count_words(self, labels: Sequence[str]) -> str:
        return f"{len(labels)} topics"

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        found = super().quality(rows, predicted, labels)
        return {"hits": found.pop("accuracy"), **found}
