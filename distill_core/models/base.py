"""What all models share: seeding beside the global generator, counting parameters, the student's interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from distill_core.catalogue import STUDENTS, load_target
from distill_core.models.types import Batch, Outputs
from distill_core.seeds import derived_seed as derived_seed  # models are where most look for it
from distill_core.tasks.base import build_task

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from distill_core.models.teacher import Teacher
    from distill_core.students.base import StudentSection


@contextmanager
def seeded(seed: int, *salt: object) -> Iterator[None]:
    """Inside, new CPU tensors are drawn from `derived_seed(seed, *salt)`; afterwards the generator is as it was."""
    # Only the CPU generator: torch.manual_seed would also reset those of the accelerators, which are not restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, *salt))
        yield


def count_parameters(module: nn.Module) -> int:
    """Number of parameters of a module; a tensor that occurs several times in it counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


def check_task(task: str) -> None:
    """ValueError for a task that is not in the catalogue."""
    build_task(task)


@dataclass(frozen=True)
class Origin:
    """What a student starts from.

    pieces: of its vocabulary. kept: old id of each of them [K]; None where it has all of the teacher's.
    """

    teacher: Teacher
    tokenizer: Any
    pieces: int
    kept: np.ndarray | None
    classes: int
    max_tokens: int
    task: str


class Student(nn.Module):
    """What every student offers.

    Attributes:
        layers: layers K whose states can be asked for, as 1 … K (0 = embeddings).
        width: width of the states of layers 1 … K.
        pooled_width: width P of `Outputs.pooled`.
        classes: number of classes C.
        task: its name in `catalogue.TASKS`; what the student answers for is `unit`.
        tokenizer: the tokenizer its inputs are made with (that of the teacher it was initialised from).
        architecture: JSON-ready description from which `saving.rebuild` makes the same module again.
        prediction: the last layer, P → C.
        encoder, embedding: one of the two: the model of `transformers` inside, or else the table of pieces [V, E].
        kept_ids: [V] int64, the id each piece of its vocabulary has in the tokenizer it was pruned from; None where it
            reads that tokenizer's own ids. Not saved: a saved student has its own tokenizer.
    """

    layers: int
    width: int
    pooled_width: int
    classes: int
    task: str
    tokenizer: Any
    architecture: dict[str, Any]
    prediction: nn.Module
    kept_ids: np.ndarray | None = None

    @classmethod
    def build(cls, section: Any, origin: Origin) -> Student:
        """A new one, on the CPU, drawn from torch's generator. Raises CheckpointError with the field at fault."""
        raise TypeError(f"{cls.__name__} has to say how it is made")

    @classmethod
    def rebuild(cls, values: dict[str, Any], tokenizer: Any) -> Student:
        """The module that `architecture` (without its kind) describes, with arbitrary weights. Descriptions that name
        no task are of versions that knew classification alone."""
        raise TypeError(f"{cls.__name__} has to say how it is made again")

    @classmethod
    def needed_pieces(cls, section: Any, teacher: Teacher) -> np.ndarray:
        """[K] ids of the teacher's pieces that a pruned vocabulary has to keep, in the texts or not."""
        del section, teacher
        return np.empty(0, dtype=np.int64)

    @property
    def unit(self) -> str:
        """What gets one prediction: "example", "word" or "piece"."""
        return build_task(self.task).unit

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        """Logits [B, C] and pooled [B, P], or in tagging [B, W, C] and [B, W, P] with the word mask; the states
        [B, T, H] of each layer in `layers`; queries, keys and values [B, T, 3, H] of each layer (from 1) in `qkv`.

        Raises:
            ValueError: there is no such layer, or the student has no attention.
        """
        raise TypeError(f"{type(self).__name__} has to say how it computes its outputs")

    def as_transformers(self, labels: Sequence[str]) -> PreTrainedModel | None:
        """The same model, labels in its config, as a class of `transformers` that loads without this project: a token
        classifier (of whole texts its first token's logits count) or a masked language model. None where none holds it
        exactly."""
        del labels
        return None

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        """Everything above the embeddings, from the top down: the order in which gradual unfreezing frees it."""
        raise TypeError(f"{type(self).__name__} has to say what it is made of")

    def parts(self) -> list[tuple[str, list[nn.Parameter]]]:
        """Named parts from the top down, for gradual unfreezing (1801.06146 §3.3): each parameter in exactly one.

        The last part, ``embeddings``, is everything that is in none above it. A parameter that several parts share
        belongs to the uppermost of them; parts left without a parameter of their own are not listed.
        """
        taken: set[int] = set()
        found: list[tuple[str, list[nn.Parameter]]] = []
        for name, module in [*self.upper_parts(), ("embeddings", self)]:
            own = [parameter for parameter in module.parameters() if id(parameter) not in taken]
            taken.update(id(parameter) for parameter in own)
            if own:
                found.append((name, own))
        return found

    def new_prediction(self) -> nn.Module:
        """A prediction layer as at construction, on the CPU, drawn from torch's generator."""
        raise TypeError(f"{type(self).__name__} has to say how its prediction layer starts")

    def reset_head(self, seed: int) -> None:
        """Draws the prediction layer anew, in place: the parameters stay the same objects, on their device."""
        # Drawn on the CPU, whose generator `seeded` guards, so that every device starts from the same values.
        with seeded(seed, "new head"):
            fresh = self.new_prediction()
        with torch.no_grad():
            for own, new in zip(self.prediction.parameters(), fresh.parameters(), strict=True):
                own.copy_(new)


def student_class(section: type[StudentSection]) -> type[Student]:
    """The torch module of a kind of student."""
    found: type[Student] = load_target(section.model)
    return found


def student_class_of(kind: str) -> type[Student]:
    """The same by its name in the catalogue. ValueError for one that is not there."""
    if kind not in STUDENTS:
        raise ValueError(f"unknown kind of student {kind!r}")
    return student_class(STUDENTS[kind].load())
