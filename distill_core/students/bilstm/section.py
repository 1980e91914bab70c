"""The BiLSTM student's section."""

from __future__ import annotations

from typing import Literal

from distill_core.sections.base import MAX_TEACHERS, Section, setting


class BiLSTMStudent(Section):
    """Embedding → BiLSTM → pooling → (projection) → classes, after 1910.01769."""

    kind: Literal["bilstm"] = "bilstm"
    embedding: int = setting(64, "Width of the word-piece embedding.", unit="units", label="Embedding", ge=2, le=2048)
    lstm_hidden: int = setting(128, "LSTM units in each direction.", unit="units", label="LSTM units", ge=2, le=4096)
    lstm_layers: int = setting(1, "Stacked BiLSTM layers.", unit="layers", label="LSTM layers", ge=1, le=8)
    pooling: Literal["max", "mean", "last"] = setting("max", "How token states become one vector.", label="Pooling")
    projection: int | None = setting(
        None,
        "Width of a GELU layer between pooling and classes. Empty: none.",
        unit="units",
        label="Projection",
        ge=2,
        le=4096,
    )
    initialise: Literal["random", "svd"] = setting(
        "svd", "Embedding: random, or a truncated SVD of the (finetuned) teacher's embedding.", label="Initialisation"
    )
    init_teacher: int = setting(
        1,
        "Number of the teacher (from 1) that gives tokeniser and embedding.",
        label="Teacher for tokeniser and initialisation",
        ge=1,
        le=MAX_TEACHERS,
    )
    vocabulary: Literal["full", "seen"] = setting(
        "full",
        "full: all pieces of the teacher's tokeniser. seen: only those that occur in the run's texts, and the pieces "
        "unknown text falls back to.",
        label="Vocabulary",
        advanced=True,
    )
    dropout: float = setting(0.2, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)
    embedding_dropout: float | None = setting(
        None,
        "Dropout after the embedding. Empty: as above.",
        unit="share",
        label="Embedding dropout",
        ge=0,
        lt=1,
        advanced=True,
    )
