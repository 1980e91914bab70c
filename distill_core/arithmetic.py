"""Parameters of the parts that models are made of, and which sizes do not go together: pure arithmetic, no torch."""

from __future__ import annotations

from distill_core.checkpoints import CheckpointInfo, read_config

#: config keys of an embedding that is narrower than the model, and what they are where a config.json leaves them out
_EMBEDDING_KEYS: dict[str, tuple[str, int | None]] = {
    "albert": ("embedding_size", 128),
    "convbert": ("embedding_size", 768),
    "deberta": ("embedding_size", None),
    "deberta-v2": ("embedding_size", None),
    "electra": ("embedding_size", 128),
    "mobilebert": ("embedding_size", 128),
    "rembert": ("input_embedding_size", 256),
}


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a Linear layer with bias."""
    return inputs * outputs + outputs


def word_parameters(pieces: int, width: int, rank: int | None) -> int:
    """Parameters of a word embedding, factorised (1909.11942 §3.1) where there is a rank."""
    return pieces * width if rank is None else pieces * rank + rank * width


def masked_head_parameters(width: int, embedding: int, pieces: int) -> int:
    """Parameters of `models.heads.MaskedHead`: Linear(width, embedding), its norm, a bias for each piece."""
    return linear(width, embedding) + 2 * embedding + pieces


def embedding_width(info: CheckpointInfo) -> int:
    """Width of a checkpoint's word embedding, from its config.json: narrower than the model in ALBERT and ELECTRA."""
    if info.student is not None:
        return info.student.embedding
    key, default = _EMBEDDING_KEYS.get(info.model_type, (None, None))
    if key is None:
        return info.hidden
    value = read_config(info.folder).get(key, default)
    return value if isinstance(value, int) else info.hidden


def layers_misfit(choice: str, student_layers: int, teacher_layers: int) -> tuple[str, str] | None:
    """(message, hint) when so many layers cannot be copied from a teacher by this choice; None when they can.

    Only ``remap`` (DWT, 2305.18239) makes a student deeper than its teacher; it makes none that is shallower.
    """
    if student_layers > teacher_layers and choice != "remap":
        return (
            f"{student_layers} layers cannot be copied from a teacher that has {teacher_layers}.",
            f"Choose at most {teacher_layers}, another initialisation, or remap, which repeats its last layer.",
        )
    if student_layers < teacher_layers and choice == "remap":
        return (
            f"remap is for students at least as deep as their teacher, which has {teacher_layers} layers, not "
            f"{student_layers}.",
            f"Choose {teacher_layers} layers or more, or copy the first, the last or every other one.",
        )
    return None


def factor_misfit(rank: int, width: int) -> tuple[str, str]:
    """(message, hint) about a factorised embedding that is as wide as what it stands for, or wider."""
    return (
        f"a factorised embedding of {rank} units saves nothing where the embedding is {width} wide.",
        f"Choose fewer than {width}, or leave it empty.",
    )


def svd_misfit(name: str, field: str, wanted: int | None, width: int) -> tuple[str, str, str] | None:
    """(field, message, hint) where an SVD of teacher `name`'s embedding has fewer units than are wanted."""
    if wanted is None or wanted <= width:
        return None
    message = f"an SVD of {name}'s embedding gives at most {width} units, not {wanted}."
    return field, message, "Choose fewer, or random initialisation."
