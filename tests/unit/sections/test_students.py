"""What contradicts itself in a student's section is refused, at the field to change."""

from __future__ import annotations

from typing import Any

import pytest

from distill_core.config import from_dict
from distill_core.errors import ConfigError, FieldError


def errors(**student: Any) -> list[FieldError]:
    raw = {
        "data": {"source": "bundled"},
        "teachers": [{"source": "bundled:support-bert"}],
        "student": {"kind": "transformer", **student},
    }
    try:
        from_dict(raw)
    except ConfigError as error:
        return error.errors
    return []


@pytest.mark.parametrize(("rank", "refused"), [(311, False), (312, True), (500, True)])
@pytest.mark.parametrize("initialise", ["random", "svd"])
def test_a_factorised_embedding_is_narrower_than_the_student(rank: int, refused: bool, initialise: str) -> None:
    found = errors(hidden=312, heads=12, embedding=rank, initialise=initialise)
    assert [error.field for error in found] == ["student.embedding"] * refused
    assert all("312" in error.message for error in found)


def test_with_copied_layers_the_teachers_width_counts() -> None:
    assert errors(hidden=312, heads=12, embedding=500, initialise="teacher_layers") == []


@pytest.mark.parametrize("initialise", ["random", "svd"])
def test_only_copied_layers_are_remapped(initialise: str) -> None:
    (error,) = errors(initialise=initialise, layer_choice="remap")
    assert error.field == "student.layer_choice" and "teacher_layers" in error.message
    assert errors(initialise="teacher_layers", layer_choice="remap") == []
    assert errors(initialise=initialise, layer_choice="last") == []


def test_heads_divide_a_width_of_its_own() -> None:
    (error,) = errors(hidden=312, heads=5)
    assert error.field == "student.heads"
    assert errors(hidden=312, heads=5, initialise="teacher_layers") == []
