"""The sections of a RunConfig. Each field carries unit, range and help once, for page and docs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MAX_TEACHERS = 8


def setting(
    default: Any = ..., help: str = "", *, unit: str = "", label: str = "", advanced: bool = False, **limits: Any
) -> Any:
    """A pydantic Field whose help, unit and label travel with it (`ui/forms.py` draws widgets from them)."""
    extra: dict[str, Any] = {"unit": unit, "label": label, "advanced": advanced}
    if callable(default):
        return Field(default_factory=default, description=help, json_schema_extra=extra, **limits)
    return Field(default, description=help, json_schema_extra=extra, **limits)


class Section(BaseModel):
    """Base of all parts: unknown keys are refused, assignment is validated."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


# ---------------------------------------------------------------- data


class DataSection(Section):
    """What every source of data has in common."""

    max_tokens: int = setting(
        64,
        "Longer inputs are cut here; the check shows how many that is.",
        unit="tokens",
        label="Longest input",
        ge=8,
        le=512,
    )
    labelled_per_class: int | None = setting(
        None,
        "Keep this many labelled training rows of each class and use the rest, without labels, as transfer set. "
        "Empty: all training rows keep their labels.",
        unit="rows per class",
        label="Labelled rows per class",
        ge=2,
    )
    validation_share: float = setting(
        0.1,
        "Share of the labelled training rows held out for validation when there is no validation file.",
        unit="share",
        label="Validation share",
        ge=0.02,
        le=0.5,
    )
    test_share: float = setting(
        0.2,
        "Share of the training rows held out for the test when there is no test file.",
        unit="share",
        label="Test share",
        ge=0.05,
        le=0.5,
    )
    max_transfer: int | None = setting(
        None,
        "Use at most this many transfer rows (the first ones after a seeded shuffle). Empty: all.",
        unit="rows",
        label="Transfer rows",
        ge=1,
        advanced=True,
    )


class Columns(Section):
    """Which column is what; with no header columns are numbered from 1 (``"1"``, ``"2"``)."""

    text: str = setting("text", "Column with the text (first sentence of a pair).", label="Text column")
    text_pair: str | None = setting(None, "Column with the second sentence, for pairs.", label="Second text column")
    label: str = setting("label", "Column with the class.", label="Label column")


class BundledData(DataSection):
    """A data set that ships with the project."""

    source: Literal["bundled"] = "bundled"
    name: str = setting("support-desk", "Name of the bundled set.", label="Bundled set")


class FileData(DataSection):
    """Files on this machine: CSV, TSV, JSONL or Parquet."""

    source: Literal["files"] = "files"
    train: str = setting(..., "Training file.", label="Training file", min_length=1)
    validation: str | None = setting(None, "Validation file; without one, rows are held out.", label="Validation file")
    test: str | None = setting(None, "Test file; without one, rows are held out.", label="Test file")
    transfer: str | None = setting(
        None, "Unlabelled texts the teachers label (the transfer set).", label="Unlabelled file"
    )
    format: Literal["auto", "csv", "tsv", "jsonl", "parquet"] = setting(
        "auto", "File format; auto goes by the file's ending.", label="Format", advanced=True
    )
    header: Literal["auto", "yes", "no"] = setting(
        "auto", "Does the first line name the columns?", label="Header", advanced=True
    )
    quoting: Literal["auto", "yes", "no"] = setting(
        "auto",
        'Are quotes (") around fields part of the format (yes) or of the text (no)?',
        label="Quoted fields",
        advanced=True,
    )
    columns: Columns = Field(default_factory=Columns)


class HubData(DataSection):
    """A data set on the Hugging Face Hub."""

    source: Literal["hub"] = "hub"
    name: str = setting(..., "Name on the Hub, e.g. owner/name.", label="Hub name", min_length=1)
    config: str | None = setting(None, "Configuration of the data set, where it has several.", label="Configuration")
    revision: str | None = setting(
        None, "Branch, tag or commit. Empty: the default branch.", advanced=True, label="Revision"
    )
    train_split: str = setting("train", "Split with the training rows.", label="Training split")
    validation_split: str | None = setting(None, "Split with the validation rows.", label="Validation split")
    test_split: str | None = setting(None, "Split with labelled test rows.", label="Test split")
    transfer_split: str | None = setting(None, "Split with unlabelled rows.", label="Unlabelled split")
    columns: Columns = Field(default_factory=Columns)


Data = Annotated[BundledData | FileData | HubData, Field(discriminator="source")]

# ---------------------------------------------------------------- teachers


class TeacherSection(Section):
    """One teacher: an encoder checkpoint, bundled, in a folder, or on the Hub (safetensors only)."""

    source: str = setting(..., "`bundled:NAME`, a folder, or a name on the Hub.", label="Checkpoint", min_length=1)
    name: str | None = setting(None, "Name shown in charts. Empty: taken from the checkpoint.", label="Name")
    revision: str | None = setting(None, "Branch, tag or commit on the Hub.", label="Revision", advanced=True)
    keep_layers: int | None = setting(
        None,
        "Use only this many of the checkpoint's first layers. Empty: all.",
        unit="layers",
        label="First layers only",
        ge=1,
        advanced=True,
    )
    label_mapping: dict[str, str] | None = setting(
        None, "Only for a teacher used as is: the teacher's label name → the data's label name.", label="Label mapping"
    )


class TeacherTraining(Section):
    """How teachers learn the task before they teach."""

    mode: Literal["as_is", "separate", "cofinetune"] = setting(
        "separate",
        "as_is: the checkpoint already classifies. separate: each teacher is finetuned alone. "
        "cofinetune: all together with one shared pooling and prediction layer (MT-BERT).",
        label="Teachers are",
    )
    epochs: int = setting(3, "Passes over the labelled rows.", unit="epochs", label="Epochs", ge=1, le=100)
    batch_size: int = setting(32, "Examples per optimizer step.", unit="examples", label="Batch size", ge=1, le=4096)
    learning_rate: float | None = setting(
        None,
        "Peak learning rate of the encoder. Empty: 0.00005 · 768 / its width.",
        label="Learning rate",
        gt=0,
        le=1,
    )
    head_learning_rate: float | None = setting(
        None,
        "Peak learning rate of pooling and prediction layers, which are new. Empty: five times the encoder's.",
        label="Head learning rate",
        gt=0,
        le=1,
        advanced=True,
    )
    weight_decay: float = setting(0.01, "Decoupled weight decay.", label="Weight decay", ge=0, le=1, advanced=True)
    warmup_share: float = setting(
        0.1,
        "Share of the steps over which the learning rate rises.",
        unit="share",
        label="Warm-up",
        ge=0,
        le=0.9,
        advanced=True,
    )
    dropout: float | None = setting(
        None,
        "Dropout in the teachers while they are finetuned. Empty: the checkpoint's own.",
        unit="share",
        label="Dropout",
        ge=0,
        lt=1,
        advanced=True,
    )


# ---------------------------------------------------------------- students


class TransformerStudent(Section):
    """A small BERT-shaped encoder."""

    kind: Literal["transformer"] = "transformer"
    layers: int = setting(4, "Transformer layers.", unit="layers", label="Layers", ge=1, le=48)
    hidden: int = setting(312, "Width of the hidden states.", unit="units", label="Width", ge=8, le=4096)
    heads: int = setting(12, "Attention heads; must divide the width.", unit="heads", label="Heads", ge=1, le=64)
    intermediate: int | None = setting(
        None,
        "Width of the feed-forward layer. Empty: 4 × width.",
        unit="units",
        label="Feed-forward width",
        ge=8,
        le=16384,
    )
    initialise: Literal["random", "teacher_layers", "svd"] = setting(
        "random",
        "random; teacher_layers: embeddings and layers copied from a teacher (sizes then follow the "
        "teacher's); svd: embeddings from a truncated SVD of the teacher's.",
        label="Initialisation",
    )
    layer_choice: Literal["first", "every_other", "last"] = setting(
        "first", "Which of the teacher's layers are copied.", label="Copied layers", advanced=True
    )
    init_teacher: int = setting(
        1,
        "Number of the teacher (from 1) that gives tokeniser and initial weights.",
        label="Teacher for tokeniser and initialisation",
        ge=1,
        le=MAX_TEACHERS,
    )
    dropout: float = setting(0.1, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> TransformerStudent:
        if self.initialise != "teacher_layers" and self.hidden % self.heads:
            raise ValueError(
                f"heads: the width {self.hidden} cannot be split into {self.heads} equal heads; "
                f"choose a divisor of {self.hidden}."
            )
        return self


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
    dropout: float = setting(0.2, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)


Student = Annotated[TransformerStudent | BiLSTMStudent, Field(discriminator="kind")]

# ---------------------------------------------------------------- objective, training, evidence


class Objective(Section):
    """The weighted sum the student minimises; every term is logged unweighted."""

    hard_label_weight: float = setting(
        1.0, "Weight of cross-entropy on gold labels.", label="Hard labels", ge=0, le=1000
    )
    soft_label_weight: float = setting(1.0, "Weight of τ²·KL(teacher ‖ student).", label="Soft labels", ge=0, le=1000)
    distill_temperature: float = setting(
        1.0, "τ: divides the logits of teacher and student in the soft-label loss.", label="Temperature", gt=0, le=100
    )
    hidden_weight: float = setting(
        0.0,
        "Weight of the hidden-state loss (MSE through a learnt projection on the teacher's side).",
        label="Hidden states",
        ge=0,
        le=1000,
    )
    hidden_level: Literal["auto", "token", "word", "pooled"] = setting(
        "auto",
        "Where hidden states are compared. auto: by token where the tokenisers are equal, by word where they differ.",
        label="Compare hidden states by",
        advanced=True,
    )
    teacher_weighting: Literal["uniform", "mt_bert"] = setting(
        "uniform",
        "uniform: every teacher counts the same. mt_bert: 1/(1+CE(gold, teacher)) per example.",
        label="Teacher weights",
    )

    @model_validator(mode="after")
    def _something_to_learn(self) -> Objective:
        if not (self.hard_label_weight or self.soft_label_weight or self.hidden_weight):
            raise ValueError(
                "hard_label_weight: all weights are zero, so there is nothing to learn; set at least one above zero."
            )
        return self


class Training(Section):
    """How the student (and each control) is trained. One step = one optimizer step."""

    epochs: int = setting(5, "Passes over labelled and transfer rows.", unit="epochs", label="Epochs", ge=1, le=1000)
    batch_size: int = setting(32, "Examples per optimizer step.", unit="examples", label="Batch size", ge=1, le=8192)
    learning_rate: float | None = setting(
        None,
        "Peak learning rate. Empty: 0.002 for a BiLSTM, 0.0005 for a transformer from random weights, 0.00005 · 768 / "
        "width for one made of a teacher's layers.",
        label="Learning rate",
        gt=0,
        le=1,
    )
    schedule: Literal["linear", "cosine", "constant"] = setting(
        "linear", "How the learning rate falls after the warm-up.", label="Schedule"
    )
    warmup_share: float = setting(
        0.1,
        "Share of the steps over which the learning rate rises.",
        unit="share",
        label="Warm-up",
        ge=0,
        le=0.9,
        advanced=True,
    )
    weight_decay: float = setting(0.01, "Decoupled weight decay.", label="Weight decay", ge=0, le=1, advanced=True)
    max_grad_norm: float = setting(
        1.0, "Gradients are clipped to this norm.", label="Gradient clipping", gt=0, le=1000, advanced=True
    )
    evaluations: int = setting(
        10,
        "How often validation is measured during training; the best state is kept.",
        unit="times",
        label="Evaluations",
        ge=1,
        le=1000,
        advanced=True,
    )
    patience: int | None = setting(
        None,
        "Stop early after this many evaluations without a better one. Empty: never.",
        unit="evaluations",
        label="Patience",
        ge=1,
        advanced=True,
    )


class MeasureSection(Section):
    """How size and latency are measured."""

    batch_sizes: list[int] = setting(
        lambda: [1, 32], "Batch sizes at which latency is measured.", unit="examples", label="Latency batch sizes"
    )
    tokens: int = setting(
        32, "Length of the inputs used for latency.", unit="tokens", label="Latency input length", ge=1, le=512
    )
    threads: int = setting(
        1, "CPU threads while latency is measured.", unit="threads", label="Latency threads", ge=1, le=256
    )
    repeats: int = setting(
        30,
        "Timed calls per batch size, after the warm-up.",
        unit="calls",
        label="Latency repeats",
        ge=5,
        le=10000,
        advanced=True,
    )

    @field_validator("batch_sizes")
    @classmethod
    def _positive(cls, value: list[int]) -> list[int]:
        if not value or any(v < 1 or v > 4096 for v in value):
            raise ValueError("give at least one batch size between 1 and 4096.")
        return sorted(set(value))
