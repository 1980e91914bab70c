"""The transformer student before it is built: its section, its arithmetic, its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from distill_core.arithmetic import (
    embedding_width,
    factor_misfit,
    layers_misfit,
    linear,
    svd_misfit,
    word_parameters,
)
from distill_core.catalogue import DEFAULT_TASK
from distill_core.checkpoints import CheckpointInfo
from distill_core.errors import ConfigError, FieldError
from distill_core.families import Tensors, count, dimensions, family_of
from distill_core.models.layers import chosen_layers
from distill_core.saved_students import Figures, SavedStudent, parameters_in
from distill_core.sections.base import Slider, setting
from distill_core.students.base import (
    Copying,
    Given,
    Part,
    Sizing,
    StudentSection,
    init_teacher_setting,
    vocabulary_setting,
)

TOKEN_TYPES = 2
#: a student never has fewer positions than this, so that it can later read somewhat longer inputs
LEAST_POSITIONS = 64


class TransformerStudent(StudentSection):
    """A small BERT-shaped encoder."""

    model: ClassVar[str] = "distill_core.students.transformer.model:TransformerClassifier"
    attends: ClassVar[bool] = True
    has_encoder: ClassVar[bool] = True
    units: ClassVar[frozenset[str]] = frozenset({"example", "word", "piece"})
    advised: ClassVar[frozenset[str]] = frozenset({"student.layer_choice", "student.initialise"})
    rate_help: ClassVar[str] = (
        "0.0005 for a transformer from random weights, 0.00005 · 768 / width for one made of a teacher's layers"
    )
    presets: ClassVar[Mapping[str, tuple[str, dict[str, Any]]]] = {
        name: (title, {"layers": layers, "hidden": hidden, "heads": heads, "intermediate": inner})
        for name, title, layers, hidden, heads, inner in [
            ("bert_base", "12 × 768, as BERT-base", 12, 768, 12, 3072),
            ("distilbert", "6 × 768, as DistilBERT", 6, 768, 12, 3072),
            ("minilm_6", "6 × 384, as MiniLM-L6", 6, 384, 12, 1536),
            ("tinybert_4", "4 × 312, as TinyBERT-4", 4, 312, 12, 1200),
            ("bert_tiny", "2 × 128, as BERT-tiny", 2, 128, 2, 512),
        ]
    }

    kind: Literal["transformer"] = "transformer"
    layers: int = setting(4, "Transformer layers.", unit="layers", label="Layers", slider=Slider(1, 12), ge=1, le=48)
    hidden: int = setting(
        312,
        "Width of the hidden states.",
        unit="units",
        label="Width",
        slider=Slider(32, 1024, 8, multiple_of="heads"),
        ge=8,
        le=4096,
    )
    heads: int = setting(
        12,
        "Attention heads; must divide the width.",
        unit="heads",
        label="Heads",
        slider=Slider(1, 16, divisor_of="hidden"),
        ge=1,
        le=64,
    )
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
        words={
            "random": "Random",
            "teacher_layers": "Layers of a teacher",
            "svd": "SVD of a teacher's embedding",
        },
    )
    layer_choice: Literal["first", "every_other", "last", "remap"] = setting(
        "first",
        "Which of the teacher's layers are copied. remap: for a student deeper than its teacher; the teacher's layers "
        "in order, its last layer into all that remain (DWT).",
        label="Copied layers",
        advanced=True,
        words={
            "first": "The first",
            "every_other": "Every other",
            "last": "The last",
            "remap": "Remapped, for a deeper student",
        },
    )
    embedding: int | None = setting(
        None,
        "Width of a factorised embedding: vocabulary × this, then a linear map to the width. Empty: not factorised.",
        unit="units",
        label="Factorised embedding",
        slider=Slider(16, 512, 4),
        ge=2,
        le=4096,
        advanced=True,
    )
    vocabulary: Literal["full", "seen"] = vocabulary_setting()
    init_teacher: int = init_teacher_setting("Number of the teacher (from 1) that gives tokeniser and initial weights.")
    dropout: float = setting(0.1, "Dropout while training.", unit="share", label="Dropout", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> TransformerStudent:
        if self.initialise != "teacher_layers" and self.hidden % self.heads:
            raise ValueError(
                f"heads: the width {self.hidden} cannot be split into {self.heads} equal heads; "
                f"choose a divisor of {self.hidden}."
            )
        return self

    @model_validator(mode="after")
    def _options_fit(self) -> TransformerStudent:
        copied = self.initialise == "teacher_layers"
        # With copied layers the width is the teacher's, which is not known here.
        if self.embedding is not None and not copied and self.embedding >= self.hidden:
            raise ValueError(
                f"embedding: a factorised embedding of {self.embedding} units saves nothing at a width of "
                f"{self.hidden}; choose fewer, or leave it empty."
            )
        if self.layer_choice == "remap" and not copied:
            raise ValueError(
                "layer_choice: only layers that are copied can be remapped; set initialise to teacher_layers, or "
                "choose first."
            )
        return self

    @property
    def depth(self) -> int:
        return self.layers

    @property
    def _copied(self) -> bool:
        return self.initialise == "teacher_layers"

    def count_parameters(self, sizing: Sizing) -> int:
        if self._copied:
            own = embedding_width(sizing.teacher)
            return self._cut_teacher(sizing.teacher, sizing.pieces) + sizing.head(sizing.teacher.hidden, own)
        return self._encoder(sizing.pieces, sizing.max_tokens) + sizing.head(self.hidden, self.hidden)

    def _encoder(self, pieces: int, max_tokens: int) -> int:
        hidden = self.hidden
        inner = self.intermediate or 4 * hidden
        norm = 2 * hidden
        positions = max(LEAST_POSITIONS, max_tokens)
        embeddings = word_parameters(pieces, hidden, self.embedding) + (positions + TOKEN_TYPES) * hidden + norm
        attention = 4 * linear(hidden, hidden) + norm  # query, key, value, output
        feed_forward = linear(hidden, inner) + linear(inner, hidden) + norm
        return embeddings + self.layers * (attention + feed_forward)

    def _cut_teacher(self, teacher: CheckpointInfo, pieces: int) -> int:
        misfit = layers_misfit(self.layer_choice, self.layers, teacher.layers)
        # A remap may start from a teacher that is used with fewer layers than the whole checkpoint described here.
        if misfit and self.layers > teacher.layers:
            raise ConfigError([FieldError("student.layers", *misfit)])
        total = teacher.parameters - sum(teacher.per_layer[self.layers :])
        if teacher.per_layer:  # none where all layers share theirs
            total += max(0, self.layers - teacher.layers) * teacher.per_layer[-1]
        if self.embedding is None and pieces == teacher.vocab_size:
            return total
        width = embedding_width(teacher)
        if self.embedding is not None and self.embedding >= width:
            raise ConfigError([FieldError("student.embedding", *factor_misfit(self.embedding, width))])
        return total - teacher.vocab_size * width + word_parameters(pieces, width, self.embedding)

    def token_weights(self) -> float:
        inner = self.intermediate or 4 * self.hidden
        return float(self.layers * (4 * self.hidden**2 + 2 * self.hidden * inner))

    def usual_rate(self, finetuning: float) -> float:
        return finetuning if self._copied else 5e-4

    def in_short(self) -> str:
        return f"{self.layers} layers of a teacher" if self._copied else f"transformer {self.layers}×{self.hidden}"

    @classmethod
    def in_words(cls, typed: Mapping[str, Any]) -> str:
        copied = " of a teacher" if typed.get("initialise") == "teacher_layers" else f" × {typed.get('hidden', '–')}"
        return f"Transformer, {typed.get('layers', '–')} layers{copied}"

    def head_count(self, teacher_heads: int) -> int:
        return teacher_heads if self._copied else self.heads

    @classmethod
    def figures(cls, architecture: Mapping[str, Any], tensors: Tensors, labels: list[str], max_tokens: int) -> Figures:
        del max_tokens  # its positions say how much it can read
        config = dict(architecture["encoder"])
        where = "this student"
        family = family_of(config, where)
        sizes = dimensions(config, family, where)
        inner = {name.removeprefix("encoder."): spec for name, spec in tensors.items() if name.startswith("encoder.")}
        counted = count(inner, config, where)
        width = inner[family.words][1][1]
        return Figures(
            SavedStudent(architecture["kind"], width, architecture.get("factorised") is not None),
            model_type=config["model_type"],
            task=str(architecture.get("task", DEFAULT_TASK)),
            labels=labels,
            layers=sizes.layers,
            hidden=sizes.hidden,
            heads=sizes.heads,
            intermediate=sizes.intermediate,
            vocab_size=sizes.vocab_size,
            max_positions=sizes.max_positions,
            parameters=counted.encoder(sizes.layers),
            total=parameters_in(tensors),
            per_layer=counted.per_layer,
        )

    def takes(self) -> str | None:
        return {"teacher_layers": "layers", "svd": "embedding"}.get(self.initialise)

    def copying(self) -> Copying | None:
        if not self._copied:
            return None
        return Copying(self.layers, "student.layer_choice" if self.layer_choice == "remap" else "student.initialise")

    def parts(self, own: CheckpointInfo, unit: str) -> list[Part]:
        copied = chosen_layers(self.layer_choice, self.layers, own.layers) if self._copied else None
        size = f"{self.embedding or (own.hidden if self._copied else self.hidden)}"
        # A factorised embedding is no copy: it is made of the teacher's.
        how = "svd" if self.embedding or not self._copied else "copied"
        given = None if self.initialise == "random" else Given(how)
        found = [Part("Embedding", "embedding", size=size, given=given)]
        for number in range(1, self.layers + 1):
            given = Given("copied", copied[number - 1] + 1) if copied else None
            found.append(Part(f"Layer {number}", "layer", number, given=given))
        if unit == "example":
            found.append(Part("First token", "pooled", learns=False))
        head = Given("if_equal") if self._copied and unit == "piece" else None
        return [*found, Part("Prediction", "prediction", given=head)]

    def misfits(self, own: CheckpointInfo, embedding_width: int) -> list[FieldError]:
        found = []
        wanted, field = self.embedding, "student.embedding"
        if wanted is None:
            wanted, field = self.hidden, "student.hidden"
        svd = svd_misfit(own.name, field, wanted if self.initialise == "svd" else None, embedding_width)
        if svd:
            found.append(FieldError(*svd))
        if self._copied:
            misfit = layers_misfit(self.layer_choice, self.layers, own.layers)
            if misfit:
                found.append(FieldError("student.layers", *misfit))
            if self.embedding is not None and self.embedding >= embedding_width:
                found.append(FieldError("student.embedding", *factor_misfit(self.embedding, embedding_width)))
        return found

    def untaught(self) -> TransformerStudent:
        return self.model_copy(update={"initialise": "random"}) if self.initialise == "svd" else self
