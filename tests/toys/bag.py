"""A third student: embedding → tanh layer at every piece → mean → classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from distill_core.arithmetic import linear
from distill_core.families import Tensors
from distill_core.saved_students import Figures, SavedStudent, parameters_in
from distill_core.sections.base import setting
from distill_core.students.base import Sizing, StudentSection, init_teacher_setting, vocabulary_setting


class BagStudent(StudentSection):
    model: ClassVar[str] = "tests.toys.bag_model:Bag"
    units: ClassVar[frozenset[str]] = frozenset({"example"})
    rate_help: ClassVar[str] = "0.01 for a bag of pieces"
    presets: ClassVar[Mapping[str, tuple[str, dict[str, Any]]]] = {"bag_8": ("Bag, 8 units", {"breadth": 8})}

    kind: Literal["bag"] = "bag"
    breadth: int = setting(12, "Width of the embedding.", unit="units", label="Breadth of the bag", ge=2, le=64)
    squash: Literal["tanh", "none"] = setting(
        "tanh", "What each piece goes through.", label="Squashing", words={"tanh": "Squashed", "none": "As it is"}
    )
    init_teacher: int = init_teacher_setting("Number of the teacher (from 1) that gives the tokeniser.")
    vocabulary: Literal["full", "seen"] = vocabulary_setting()

    @property
    def depth(self) -> int:
        return 1

    def count_parameters(self, sizing: Sizing) -> int:
        inner = linear(self.breadth, self.breadth)
        return sizing.pieces * self.breadth + inner + linear(self.breadth, sizing.classes)

    @classmethod
    def figures(cls, architecture: Mapping[str, Any], tensors: Tensors, labels: list[str], max_tokens: int) -> Figures:
        pieces, breadth, total = architecture["pieces"], architecture["breadth"], parameters_in(tensors)
        return Figures(
            SavedStudent("bag", breadth), model_type="bag", task=architecture["task"], labels=labels, layers=1,
            hidden=breadth, heads=0, intermediate=0, vocab_size=pieces, max_positions=max_tokens,
            parameters=total - parameters_in(tensors, "prediction."), total=total,
        )  # fmt: skip

    def token_weights(self) -> float:
        return float(self.breadth**2)

    def usual_rate(self, finetuning: float) -> float:
        return 0.01

    def in_short(self) -> str:
        return f"bag of {self.breadth}"

    @classmethod
    def in_words(cls, typed: Mapping[str, Any]) -> str:
        return f"Bag of pieces, {typed.get('breadth', '–')} units"
