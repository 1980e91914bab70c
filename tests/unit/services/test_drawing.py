"""The drawing of layers: told by the rules of training, and nothing while something is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from distill_core import recipes
from distill_core.catalogue import TERMS
from distill_core.cli.layers import layer_lines
from distill_core.config import Objective
from distill_core.services.drawing import drawing
from distill_core.terms.base import Setup, StudentShape, TeacherShape

BERT, ROBERTA = "bundled:support-bert", "bundled:support-roberta"


def draft(*sources: str, student: dict[str, Any] | None = None, **objective: Any) -> dict[str, Any]:
    raw = recipes.load("demo").config.model_dump(mode="json", exclude_none=True)
    raw["teachers"] = [{"source": source} for source in sources]
    raw["student"] = student or {"kind": "transformer", "layers": 2, "hidden": 96, "heads": 4}
    raw["objective"] = {"soft_label_weight": 0, "hard_label_weight": 1, **objective}
    raw["training"] = {}
    return raw


def links(found: dict[str, Any], teacher: int = 0) -> dict[str, list[tuple[int, int]]]:
    return {link["term"]: [tuple(pair) for pair in link["pairs"]] for link in found["teachers"][teacher]["links"]}


def given(found: dict[str, Any]) -> list[tuple[str, str, int] | None]:
    parts = found["student"]["parts"]
    return [part["given"] and (part["title"], part["given"]["how"], part["given"]["layer"]) for part in parts]


@pytest.mark.parametrize("name", [name for name in recipes.names() if name != "demo"])
def test_what_is_drawn_is_what_the_terms_ask_for(name: str) -> None:
    config = recipes.load(name).config
    found = drawing(config.model_dump(mode="json", exclude_none=True))
    assert found["left_out"] == []
    teachers = [
        TeacherShape(row["name"], row["layers"], row["hidden"], row["hidden"], 4, level="token")
        for row in found["teachers"]
    ]
    layers = max(part["layer"] for part in found["student"]["parts"])
    student = StudentShape(config.student.kind, layers, heads=4 if config.student.attends else 0)
    setup = Setup(config.objective, student, teachers, task=config.data.task)
    for number, row in enumerate(found["teachers"]):
        for link in row["links"]:
            term = TERMS[link["term"]].load()(setup)
            wants, asked = term.student(), term.signals(number)
            assert {own for own, _ in link["pairs"]} <= wants.layers | wants.qkv
            assert {layer for _, layer in link["pairs"]} == {*asked.layers, *asked.qkv}
    drawn = {own for row in found["teachers"] for link in row["links"] for own, _ in link["pairs"]}
    used = {link["term"] for row in found["teachers"] for link in row["links"]}
    wanted = [TERMS[term].load()(setup).student() for term in used]
    assert drawn == {layer for one in wanted for layer in one.layers | one.qkv}


def test_each_teacher_has_links_of_its_own() -> None:
    found = drawing(draft(BERT, ROBERTA, hidden_weight=1, matching={"pkd": 1}))
    assert links(found, 0) == {"hidden": [(1, 2), (2, 4)], "pkd": [(1, 2)]}
    assert links(found, 1) == {"hidden": [(1, 2), (2, 3)], "pkd": [(1, 2)]}
    assert [link["level"] for row in found["teachers"] for link in row["links"]] == ["token", "", "word", ""]


def test_what_is_typed_of_the_layers_is_drawn() -> None:
    assert links(drawing(draft(BERT, hidden_weight=1, hidden_layers="top"))) == {"hidden": [(1, 3), (2, 4)]}
    assert links(drawing(draft(BERT, hidden_weight=1, hidden_teacher_layer=3))) == {"hidden": [(2, 3)]}
    kept = draft(BERT, hidden_weight=1)
    kept["teachers"][0]["keep_layers"] = 3
    found = drawing(kept)
    assert found["teachers"][0]["layers"] == 3 and links(found) == {"hidden": [(1, 2), (2, 3)]}


def test_pooled_vectors_meet_beside_the_layers() -> None:
    found = drawing(draft(BERT, hidden_weight=1, hidden_level="pooled", soft_label_weight=1))
    assert [(link["term"], link["at"], link["pairs"]) for link in found["teachers"][0]["links"]] == [
        ("soft", "prediction", []),
        ("hidden", "pooled", []),
    ]
    assert [part["role"] for part in found["teachers"][0]["parts"]][-2:] == ["pooled", "prediction"]


@pytest.mark.parametrize(
    ("student", "expected"),
    [
        ({"layers": 2, "hidden": 96, "heads": 4}, []),
        ({"layers": 2, "hidden": 96, "heads": 4, "initialise": "svd"}, [("Embedding", "svd", 0)]),
        (
            {"layers": 2, "initialise": "teacher_layers", "layer_choice": "every_other"},
            [("Embedding", "copied", 0), ("Layer 1", "copied", 1), ("Layer 2", "copied", 3)],
        ),
        (
            {"layers": 2, "initialise": "teacher_layers", "layer_choice": "last", "embedding": 64},
            [("Embedding", "svd", 0), ("Layer 1", "copied", 3), ("Layer 2", "copied", 4)],
        ),
    ],
)
def test_what_parts_start_as(student: dict[str, Any], expected: list[tuple[str, str, int]]) -> None:
    found = drawing(draft(BERT, student={"kind": "transformer", **student}))
    assert [row for row in given(found) if row] == expected
    assert found["teachers"][0]["gives"] == bool(expected)


def test_a_deeper_student_goes_on_with_the_last_layer() -> None:
    found = drawing(
        draft(ROBERTA, student={"kind": "transformer", "layers": 5, "initialise": "teacher_layers",
                                "layer_choice": "remap"})
    )  # fmt: skip
    assert [row[2] for row in given(found)[1:6] if row] == [1, 2, 3, 3, 3]


def test_a_bilstm_shows_its_parts() -> None:
    section = {"kind": "bilstm", "embedding": 50, "lstm_hidden": 70, "lstm_layers": 2, "projection": 30}
    found = drawing(draft(BERT, ROBERTA, student=section, hidden_weight=1))
    parts = [(part["title"], part["size"], part["role"]) for part in found["student"]["parts"]]
    assert parts == [
        ("Embedding", "50", "embedding"),
        ("BiLSTM 1", "2×70", "layer"),
        ("BiLSTM 2", "2×70", "layer"),
        ("Maximum", "", ""),
        ("Projection", "30", "pooled"),
        ("Prediction", "", "prediction"),
    ]
    assert links(found, 0) == {"hidden": [(2, 4)]} and links(found, 1) == {"hidden": [(2, 3)]}
    assert [row["gives"] for row in found["teachers"]] == [True, False]


def test_only_the_stages_terms_are_drawn_and_say_where() -> None:
    raw = draft(BERT, hidden_weight=0)
    raw["training"] = {
        "stages": [{"name": "layers", "terms": {"hidden": 1}}, {"name": "labels", "terms": {"soft": 1, "hidden": 1}}]
    }
    found = drawing(raw)["teachers"][0]["links"]
    assert [(link["term"], link["stages"]) for link in found] == [
        ("soft", ["labels"]),
        ("hidden", ["layers", "labels"]),
    ]


def test_a_term_that_cannot_work_is_left_out_with_its_reason() -> None:
    found = drawing(draft(BERT, ROBERTA, matching={"relations": 1}))
    assert links(found, 0) == {"relations": [(2, 4)]} and links(found, 1) == {}
    assert [item["field"] for item in found["left_out"]] == ["relations"]
    assert "equal tokenisers" in found["left_out"][0]["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"teachers": []}, "teachers"),
        ({"teachers": [{"source": "/nowhere/at/all"}]}, "teachers.0.source"),
        ({"student": {"kind": "transformer", "layers": 0}}, "student.layers"),
        ({"student": {"kind": "transformer", "layers": 9, "initialise": "teacher_layers"}}, "student.layers"),
        ({"student": {"kind": "bilstm", "init_teacher": 2}}, "student.init_teacher"),
        ({"student": {"kind": "bilstm", "embedding": 900}}, "student.embedding"),
        ({"objective": {"hidden_weight": -1}}, "objective.hidden_weight"),
        (
            {"training": {"stages": [{"name": "a", "terms": {"soft": 1}, "teachers": [3]}]}},
            "training.stages.0.teachers",
        ),
    ],
)
def test_nothing_is_drawn_while_something_is_missing(change: dict[str, Any], field: str) -> None:
    found = drawing(draft(BERT) | change)
    assert list(found) == ["missing"]
    assert found["missing"][0]["field"] == field and found["missing"][0]["message"]


def test_folders_are_not_looked_at_where_only_uploads_count(tmp_path: Path) -> None:
    found = drawing(draft(str(tmp_path)), uploads_only=tmp_path / "uploads")
    assert (
        found["missing"][0]["field"] == "teachers.0.source" and "cannot be used here" in found["missing"][0]["message"]
    )


@pytest.mark.parametrize("raw", [{}, {"teachers": "x"}, {"student": 3, "teachers": [None]}])
def test_any_draft_can_be_asked_about(raw: dict[str, Any]) -> None:
    assert drawing(raw)["missing"]


def test_the_command_line_tells_the_same() -> None:
    section = {"kind": "transformer", "layers": 2, "initialise": "teacher_layers", "layer_choice": "last"}
    lines = layer_lines(drawing(draft(BERT, student=section, hidden_weight=1, soft_label_weight=1)))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["2 layers of a teacher", "starts", "learns from support-bert"]
    assert cells[2:] == [
        ["Prediction", "at random", "soft"],
        ["First token", "–", "–"],
        ["Layer 2", "copy of layer 4 of support-bert", "hidden: layer 4"],
        ["Layer 1", "copy of layer 3 of support-bert", "hidden: layer 2"],
        ["Embedding", "copy of embedding of support-bert", "–"],
    ]
    assert layer_lines(drawing({}))[0].startswith("layers: not told: teachers: no teacher is chosen yet.")


def test_an_objective_has_a_drawing_without_any_term_on_layers() -> None:
    assert Objective().weights() == {"hard": 1.0, "soft": 1.0}
    assert links(drawing(draft(BERT, soft_label_weight=1))) == {"soft": []}
