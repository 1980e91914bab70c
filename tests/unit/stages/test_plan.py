"""What is told before anything is trained: arms, controls that would say nothing, the texts in a pruned vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from distill_core import config as cfg
from distill_core.events import MemorySink
from distill_core.layout import DataHome, RunFolder
from distill_core.progress import WorkPlan
from distill_core.stages import plan, prepare, teachers
from distill_core.stages.cache import comparison_level, setup, signal_spec, terms_in_use
from distill_core.stages.context import RunContext
from distill_core.train.stop import StopToken
from tests import tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    tiny.write_data(folder / "text", train=30, transfer=30, test=12)
    tiny.write_tagged(folder / "tagged", train=24, transfer=12, test=8)
    texts = [*tiny.tagging_texts(), *(text for text, _ in tiny.sentences(200, 9))]
    tiny.write_bert(folder / "bert", texts=texts)
    tiny.write_roberta(folder / "roberta", texts=texts)
    return folder


def context(root: Path, tmp_path: Path, *, task: str = "classification", **changes) -> RunContext:
    section = {role: str(root / "text" / f"{role}.csv") for role in ("train", "transfer", "test")}
    if task == "tagging":
        section = {role: str(root / "tagged" / f"{role}.jsonl") for role in ("train", "transfer", "test")}
        columns = {"text": "words", "label": "tags", "language": "language"}
        section |= {"task": "tagging", "columns": columns, "validation_share": 0.25}
    raw = tiny.config_dict(section, [root / "bert", root / "roberta"], **changes)
    sink = MemorySink()
    folder = RunFolder(tmp_path / "run").create()
    home = DataHome(tmp_path / "home").create()
    return RunContext(cfg.from_dict(raw), folder, home, sink, StopToken(), torch.device("cpu"), WorkPlan(sink))


SEEN = {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "vocabulary": "seen"}


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_the_pool_keeps_its_pieces_under_new_numbers_and_other_texts_are_cut_anew(root, tmp_path, task):
    ctx = context(root, tmp_path, task=task, student=SEEN)
    prepared = prepare.run(ctx)
    student = plan.new_student(ctx, prepared, 1, random=True)
    planned, old = plan.plan_student(ctx, prepared, student), prepared.texts[0]
    kept = student.kept_ids
    assert kept is not None and len(kept) < len(prepared.teachers[0].tokenizer)
    for new_ids, old_ids in zip(planned.texts.pool.ids, old.pool.ids, strict=True):
        np.testing.assert_array_equal(kept[new_ids], old_ids)
    assert planned.texts.pool.words is old.pool.words
    assert planned.texts.pool.pad_id == student.tokenizer.pad_token_id
    for name in ("validation", "test"):
        own, theirs = getattr(planned.texts, name), getattr(old, name)
        rows = getattr(prepared.data, name)
        assert len(own) == len(theirs) == len(rows)
        assert max(ids.max() for ids in own.ids) < len(kept)
        again = prepared.task.encode(student.tokenizer, rows, ctx.config.data.max_tokens)
        assert all(np.array_equal(a, b) for a, b in zip(own.ids, again.ids, strict=True))
        if task == "tagging":
            np.testing.assert_array_equal(own.word_counts, theirs.word_counts)
    assert (planned.seen == np.unique(np.concatenate(old.pool.ids))).all()
    assert np.isin(planned.seen, kept).all()


def test_a_student_with_all_pieces_shares_its_teachers_texts(root, tmp_path):
    ctx = context(root, tmp_path)
    prepared = prepare.run(ctx)
    planned = plan.plan_student(ctx, prepared, plan.new_student(ctx, prepared, 1))
    assert planned.texts is prepared.texts[0]
    assert planned.seen is None


def test_random_students_of_a_plan_have_the_shape_of_the_real_one(root, tmp_path):
    ctx = context(root, tmp_path, student=SEEN)
    prepared = prepare.run(ctx)
    made = [plan.new_student(ctx, prepared, 1, random=random) for random in (True, False)]
    shapes = [{name: tuple(value.shape) for name, value in one.state_dict().items()} for one in made]
    assert shapes[0] == shapes[1]


def test_controls_that_would_say_nothing_are_left_out(root, tmp_path):
    def arms(**changes) -> tuple[list[str], str | None]:
        ctx = context(root, tmp_path, **changes)
        return plan.arms_of(ctx), plan.skipped_uniform(ctx)

    assert arms(objective={"teacher_weighting": "mt_bert"}) == (["main", "uniform", "no_teacher"], None)
    assert arms(objective={"teacher_weighting": "uniform"}) == (["main", "no_teacher"], "already_uniform")
    unused = {"teacher_weighting": "mt_bert", "soft_label_weight": 0.0, "hidden_weight": 1.0}
    assert arms(objective=unused) == (["main", "no_teacher"], "constant_unused")
    stages = {"stages": [{"name": "a", "terms": {"hidden": 1.0}}, {"name": "b", "terms": {"hard": 1.0}}]}
    weighted = {"teacher_weighting": "mt_bert"}
    assert arms(objective=weighted, training=stages) == (["main", "no_teacher"], "constant_unused")
    stages["stages"][1]["terms"] = {"soft": 0.0, "hard": 1.0}
    assert arms(objective=weighted, training=stages)[1] == "constant_unused"
    stages["stages"][1]["terms"] = {"soft": {"start": 0.0, "end": 1.0}}
    assert arms(objective=weighted, training=stages)[1] is None


def test_terms_of_stages_count_instead_of_the_objectives(root, tmp_path):
    stages = [{"name": "a", "terms": {"soft": 1.0, "hidden": 1.0}}, {"name": "b", "terms": {"hard": 1.0}}]
    objective = {"teacher_label_weight": 1.0}
    ctx = context(root, tmp_path, objective=objective, training={"stages": stages})
    assert terms_in_use(ctx.config) == ["hard", "soft", "hidden"]
    assert terms_in_use(context(root, tmp_path, objective=objective).config) == ["hard", "soft", "teacher_labels"]


def test_states_meet_by_token_only_where_pieces_are_equal(root, tmp_path):
    transformer = {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 4}
    ctx = context(root, tmp_path, student=transformer, objective={"hidden_weight": 1.0})
    prepared = prepare.run(ctx)
    assert [comparison_level(ctx, prepared, number) for number in (0, 1)] == ["token", "word"]
    assert signal_spec(ctx, prepared, 0).layers == (1, 2)
    shape = setup(ctx, prepared)
    assert (shape.student.heads, shape.student.layers, shape.classes) == (4, 2, 3)
    assert [teacher.heads for teacher in shape.teachers] == [2, 2]
    ctx = context(root, tmp_path, objective={"hidden_weight": 1.0})
    assert [comparison_level(ctx, prepared, number) for number in (0, 1)] == ["word", "word"]


@pytest.mark.parametrize("folds", [2, 3])
def test_folds_cover_the_labelled_rows_and_keep_equal_texts_together(root, tmp_path, folds):
    ctx = context(root, tmp_path, teacher_training={"mode": "separate", "folds": folds})
    prepared = prepare.run(ctx)
    prepared.pool.__dict__.pop("ids", None)
    texts = list(prepared.pool.texts)
    texts[5] = texts[1]
    prepared.pool.texts = texts
    found = teachers.fold_of(ctx, prepared)
    assert (found[prepared.transfer] == -1).all()
    own = found[prepared.labelled]
    assert set(own) == set(range(folds))
    assert np.ptp(np.bincount(own)) <= 2
    assert found[5] == found[1]
    np.testing.assert_array_equal(found, teachers.fold_of(ctx, prepared))
    kept = [group for group in teachers.groups(ctx, prepared) if group.fold is None]
    assert len(kept) == 2 and len(teachers.groups(ctx, prepared)) == 2 * (folds + 1)
    assert len({group.key for group in teachers.groups(ctx, prepared)}) == 2 * (folds + 1)
