"""Parameters and bytes of students and teacher heads before anything is built: arithmetic that equals torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill_core.checkpoints import CheckpointInfo, read_config
from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import ConfigError, FieldError

BYTES_PER_PARAMETER = 4
TOKEN_TYPES = 2
LEAST_POSITIONS = 64
POOLING_QUERY = 200
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

#: name → (title, settings of the student): sizes that papers or much-used checkpoints have
STUDENT_PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    name: (title, {"kind": "transformer", "layers": layers, "hidden": hidden, "heads": heads, "intermediate": inner})
    for name, title, layers, hidden, heads, inner in [
        ("bert_base", "12 × 768, as BERT-base", 12, 768, 12, 3072),
        ("distilbert", "6 × 768, as DistilBERT", 6, 768, 12, 3072),
        ("minilm_6", "6 × 384, as MiniLM-L6", 6, 384, 12, 1536),
        ("tinybert_4", "4 × 312, as TinyBERT-4", 4, 312, 12, 1200),
        ("bert_tiny", "2 × 128, as BERT-tiny", 2, 128, 2, 512),
    ]
} | {
    "bilstm_small": ("BiLSTM, 64 → 2 × 128", {"kind": "bilstm", "embedding": 64, "lstm_hidden": 128}),
    # 1910.01769 §3.1: embedding 300, 600 a direction, max over time, dropout 0.4; its projection is as wide as the
    # teacher, here one of BERT-base's width.
    "bilstm_paper": (
        "BiLSTM, 300 → 2 × 600 → 768, for transfer sets (1910.01769)",
        {
            "kind": "bilstm",
            "embedding": 300,
            "lstm_hidden": 600,
            "pooling": "max",
            "projection": 768,
            "dropout": 0.4,
            "initialise": "svd",
        },
    ),
    # 2004.05686: one BiLSTM on an SVD of the teacher's embedding, dropout 0.2.
    "xtremedistil_small": (
        "BiLSTM, 50 → 2 × 200, XtremeDistil's smallest",
        {"kind": "bilstm", "embedding": 50, "lstm_hidden": 200, "dropout": 0.2, "initialise": "svd"},
    ),
    "xtremedistil": (
        "BiLSTM, 300 → 2 × 600, XtremeDistil's best",
        {"kind": "bilstm", "embedding": 300, "lstm_hidden": 600, "dropout": 0.2, "initialise": "svd"},
    ),
}


def student_parameters(
    student: TransformerStudent | BiLSTMStudent,
    *,
    init_teacher: CheckpointInfo,
    classes: int,
    max_tokens: int,
    task: str = "classification",
    vocab_size: int | None = None,
) -> int:
    """Parameters of a student on its inference path, embeddings and classifier included.

    Args:
        student: its section.
        init_teacher: the checkpoint that gives the tokeniser (and, with `teacher_layers`, architecture and layers).
        classes: ≥ 2; in tagging the tags.
        max_tokens: longest input, in tokens.
        task: ``classification`` or ``tagging``: one linear layer on a text's or a word's state, so that both count the
            same. ``masked_lm``: an inner layer and its norm, and a bias for each piece, scored by the embedding.
        vocab_size: pieces of a pruned vocabulary (`student.vocabulary` = ``seen``), once they are known. Before that
            the teacher's count, and the result is an upper bound.

    Raises:
        ConfigError: the student has more layers than the teacher they are copied from, or a factorised embedding that
            is no narrower than the teacher's.
        ValueError: another task.
    """
    if task not in ("classification", "tagging", "masked_lm"):
        raise ValueError(f"unknown task {task!r}")
    pieces = init_teacher.vocab_size
    if student.vocabulary == "seen" and vocab_size is not None:
        pieces = vocab_size
    if isinstance(student, BiLSTMStudent):
        return _bilstm(student, pieces, classes)
    if student.initialise == "teacher_layers":
        width, own = init_teacher.hidden, embedding_width(init_teacher)
        head = masked_head_parameters(width, own, pieces) if task == "masked_lm" else linear(width, classes)
        return _cut_teacher(student, init_teacher, pieces) + head
    width = student.hidden
    head = masked_head_parameters(width, width, pieces) if task == "masked_lm" else linear(width, classes)
    return _transformer(student, pieces, max_tokens) + head


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


def teacher_head_parameters(width: int, classes: int, query: int = POOLING_QUERY) -> int:
    """Parameters of a shared head (MT-BERT, 2106.01023; `models.heads.SharedHead`): additive attention, then classes.

    Linear(width, query) with bias, a query vector [query], Linear(width, classes) with bias.
    """
    return linear(width, query) + query + linear(width, classes)


def teacher_parameters(
    widths: Sequence[int], index: int, classes: int, encoder: int, *, mode: str, task: str = "classification"
) -> int:
    """Parameters of teacher `index` on its inference path: encoder, width map, pooling, prediction.

    widths: hidden width of every teacher of the run. encoder: its encoder's parameters. mode: `separate` (own head on
    its own width) or `cofinetune` (one head on the widest width; narrower and wider teachers are mapped to it by a
    Linear with bias as soon as widths differ). task: in `tagging` the head is one Linear without pooling
    (`models.heads.TokenHead`). For `as_is`, and masked LM, take CheckpointInfo.total_parameters.
    """
    head = linear if task == "tagging" else teacher_head_parameters
    if mode != "cofinetune" or len(set(widths)) == 1:
        return encoder + head(widths[index], classes)
    common = max(widths)
    return encoder + linear(widths[index], common) + head(common, classes)


def fp32_bytes(parameters: int) -> int:
    """Bytes of the parameters in float32, without the few kilobytes of a file's header."""
    return BYTES_PER_PARAMETER * parameters


def compression(teacher: CheckpointInfo, teacher_head: int, student_parameters: int) -> float:
    """Parameters of a teacher (encoder and `teacher_head`) over those of a student."""
    return (teacher.parameters + teacher_head) / student_parameters


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a Linear layer with bias."""
    return inputs * outputs + outputs


def _words(pieces: int, width: int, rank: int | None) -> int:
    """Parameters of a word embedding, factorised (1909.11942 §3.1) where there is a rank."""
    return pieces * width if rank is None else pieces * rank + rank * width


def _transformer(student: TransformerStudent, pieces: int, max_tokens: int) -> int:
    hidden = student.hidden
    inner = student.intermediate or 4 * hidden
    norm = 2 * hidden
    positions = max(LEAST_POSITIONS, max_tokens)
    embeddings = _words(pieces, hidden, student.embedding) + (positions + TOKEN_TYPES) * hidden + norm
    attention = 4 * linear(hidden, hidden) + norm  # query, key, value, output
    feed_forward = linear(hidden, inner) + linear(inner, hidden) + norm
    return embeddings + student.layers * (attention + feed_forward)


def _cut_teacher(student: TransformerStudent, teacher: CheckpointInfo, pieces: int) -> int:
    misfit = layers_misfit(student.layer_choice, student.layers, teacher.layers)
    # A remap may start from a teacher that is used with fewer layers than the whole checkpoint described here.
    if misfit and student.layers > teacher.layers:
        raise ConfigError([FieldError("student.layers", *misfit)])
    total = teacher.parameters - sum(teacher.per_layer[student.layers :])
    if teacher.per_layer:  # none where all layers share theirs
        total += max(0, student.layers - teacher.layers) * teacher.per_layer[-1]
    if student.embedding is None and pieces == teacher.vocab_size:
        return total
    width = embedding_width(teacher)
    if student.embedding is not None and student.embedding >= width:
        raise ConfigError([FieldError("student.embedding", *factor_misfit(student.embedding, width))])
    return total - teacher.vocab_size * width + _words(pieces, width, student.embedding)


def factor_misfit(rank: int, width: int) -> tuple[str, str]:
    """(message, hint) about a factorised embedding that is as wide as what it stands for, or wider."""
    return (
        f"a factorised embedding of {rank} units saves nothing where the embedding is {width} wide.",
        f"Choose fewer than {width}, or leave it empty.",
    )


def _bilstm(student: BiLSTMStudent, pieces: int, classes: int) -> int:
    hidden = student.lstm_hidden
    total, inputs = pieces * student.embedding, student.embedding
    for _ in range(student.lstm_layers):
        # Per direction: four gates on inputs and on states, and torch's two bias vectors.
        total += 2 * (4 * hidden * (inputs + hidden) + 2 * 4 * hidden)
        inputs = 2 * hidden
    if student.projection:
        total += linear(inputs, student.projection)
        inputs = student.projection
    return total + linear(inputs, classes)
