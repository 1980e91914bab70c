"""What a student has to tell before it is built: a kind of student is a `StudentSection`, named in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from distill_core.arithmetic import linear, masked_head_parameters
from distill_core.checkpoints import CheckpointInfo
from distill_core.errors import FieldError
from distill_core.families import Tensors
from distill_core.saved_students import Figures
from distill_core.sections.base import MAX_TEACHERS, Section, setting


@dataclass(frozen=True)
class Sizing:
    """What a student's size depends on besides its section.

    teacher: the whole checkpoint that gives tokeniser (and perhaps layers). pieces: of its vocabulary. classes: ≥ 2.
    max_tokens: longest input. unit: what gets one prediction, as in `tasks.base.Task`.
    """

    teacher: CheckpointInfo
    pieces: int
    classes: int
    max_tokens: int
    unit: str

    def head(self, width: int, embedding: int) -> int:
        """Parameters of the usual prediction on states of this width: one linear layer, or scores of all pieces."""
        if self.unit == "piece":
            return masked_head_parameters(width, embedding, self.pieces)
        return linear(width, self.classes)


@dataclass(frozen=True)
class Copying:
    """Layers that a student takes over from its teacher: how many, and the field that says so."""

    layers: int
    field: str


@dataclass(frozen=True)
class Given:
    """What a part of a student holds before it learns: of the teacher it starts from.

    how: "copied", "svd" (of its embedding), or "if_equal" (copied where the teacher's is of the same kind). layer: the
    teacher's, from 1; 0: the part of the same role.
    """

    how: str
    layer: int = 0


@dataclass(frozen=True)
class Part:
    """A part of a student, as a drawing shows it.

    role: "embedding", "layer", "pooled" (what makes the one vector that is classified), "prediction", or "" for others.
    layer: number from 1 of a layer whose states can be asked for. size: its units, in short ("2×48"). given: None: it
    starts at random, or has no weights. learns: has it weights?
    """

    title: str
    role: str
    layer: int = 0
    size: str = ""
    given: Given | None = None
    learns: bool = True


class StudentSection(Section):
    """A kind of student: the fields of its section, and everything that can be told of it without torch.

    Fields that every kind has: ``kind`` (a Literal of its name in `catalogue.STUDENTS`), ``init_teacher`` and
    ``vocabulary`` (`init_teacher_setting`, `vocabulary_setting`). Further fields are its own; the page draws them.

    Class attributes:
        model: ``package.module:Class`` of its torch module, a `models.base.Student`.
        presets: name → (title, fields) of known sizes.
        attends: has attention, so that terms on attention and states token by token make sense.
        has_encoder: is it a model of `transformers` with a head, as checkpoints are? Then it can be finetuned as a
            teacher, and its layers be copied.
        units: what it can predict for: "example", "word", "piece".
        advised: paths of its fields at which advice may stand.
        rate_help: its usual learning rate in words.
    """

    model: ClassVar[str]
    presets: ClassVar[Mapping[str, tuple[str, dict[str, Any]]]] = {}
    attends: ClassVar[bool] = False
    has_encoder: ClassVar[bool] = False
    units: ClassVar[frozenset[str]] = frozenset({"example", "word"})
    advised: ClassVar[frozenset[str]] = frozenset()
    rate_help: ClassVar[str]

    if TYPE_CHECKING:
        kind: str
        init_teacher: int
        vocabulary: str

    @property
    def depth(self) -> int:
        """Layers whose states can be asked for."""
        raise TypeError(f"{type(self).__name__} has to say how many layers it has")

    def count_parameters(self, sizing: Sizing) -> int:
        """Parameters on its inference path, embeddings and prediction included; equal to what torch counts.

        Raises:
            ConfigError: it cannot be made from this teacher.
        """
        raise TypeError(f"{type(self).__name__} has to count its parameters")

    def token_weights(self) -> float:
        """Weights that a token is multiplied with, roughly: how long training takes in proportion to others."""
        raise TypeError(f"{type(self).__name__} has to say how much it computes")

    def usual_rate(self, finetuning: float) -> float:
        """Peak learning rate where none is set. finetuning: that of a pre-trained encoder as wide as its states."""
        raise TypeError(f"{type(self).__name__} has to say its usual learning rate")

    def in_short(self) -> str:
        """For lists: kind and size in two or three words."""
        raise TypeError(f"{type(self).__name__} has to say what it is")

    @classmethod
    def in_words(cls, typed: Mapping[str, Any]) -> str:
        """For the page: what is typed so far, whether or not it is valid."""
        raise TypeError(f"{cls.__name__} has to say what it is")

    def head_count(self, teacher_heads: int) -> int:
        """Attention heads; 0 without attention. teacher_heads: of the teacher it starts from."""
        del teacher_heads
        return 0

    @classmethod
    def figures(cls, architecture: Mapping[str, Any], tensors: Tensors, labels: list[str], max_tokens: int) -> Figures:
        """A saved one as a teacher. architecture: `models.base.Student.architecture`; tensors: of its weights' header.

        Raises KeyError, TypeError or ValueError for a damaged one.
        """
        raise TypeError(f"{cls.__name__} has to say what it is as a teacher")

    def takes(self) -> str | None:
        """What it takes over from the teacher it starts from: "embedding", "layers" (and all around them) or None."""
        return None

    def copying(self) -> Copying | None:
        """Layers it takes over from its teacher, if it does."""
        return None

    def parts(self, own: CheckpointInfo, unit: str) -> list[Part]:
        """What it is made of, from the input up. own: the teacher it starts from; unit: as in `Sizing`.

        Raises:
            CheckpointError: it cannot be made from this teacher.
        """
        del own, unit
        layers = [Part(f"Layer {number}", "layer", number) for number in range(1, self.depth + 1)]
        return [Part("Embedding", "embedding"), *layers, Part("Prediction", "prediction")]

    def misfits(self, own: CheckpointInfo, embedding_width: int) -> list[FieldError]:
        """What the teacher it starts from cannot give it. embedding_width: of that teacher."""
        del own, embedding_width
        return []

    def untaught(self) -> StudentSection:
        """The same student without what a teacher would give, as far as that changes no shape: quicker to build."""
        return self


def init_teacher_setting(help: str) -> Any:
    """The field `init_teacher`."""
    return setting(1, help, label="Teacher for tokeniser and initialisation", ge=1, le=MAX_TEACHERS)


def vocabulary_setting() -> Any:
    """The field `vocabulary`."""
    return setting(
        "full",
        "full: all pieces of the teacher's tokeniser. seen: only those that occur in the run's texts, and the pieces "
        "unknown text falls back to.",
        label="Vocabulary",
        advanced=True,
        words={"full": "All pieces", "seen": "Pieces seen in the texts"},
    )
