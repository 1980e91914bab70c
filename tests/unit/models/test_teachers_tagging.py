import copy

import pytest
import torch
from transformers import AutoModelForTokenClassification

from distill_core.checkpoints import inspect
from distill_core.config import TeacherSection
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters, seeded
from distill_core.models.heads import TokenHead
from distill_core.models.saving import load_teacher_states, save_teachers
from distill_core.models.teachers import load_teachers, teacher_parameters
from tests.unit.models.conftest import KINDS, LAYERS, make_config, make_tokenizer
from tests.unit.models.tagging import CLASSES, TAGS, check_padding, check_words, tagged

#: how the checkpoint orders and spells what TAGS lists
OWN = ["B-PER", "I-PER", "o", "B-LOC", "I-LOC"]
COLUMNS = [OWN.index("o"), *(OWN.index(tag) for tag in TAGS[1:])]


def write_tagger(folder, kind="bert", names=OWN):
    tokenizer = make_tokenizer("unigram" if kind in ("xlm-roberta", "deberta-v2") else "wordpiece")
    config = make_config(kind, len(tokenizer))
    config.id2label, config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    with seeded(6, kind):
        model = AutoModelForTokenClassification.from_config(config)
        for parameter in model.parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load(checkpoints, *names, mode="separate", dropout=None, seed=1, **options):
    found = [TeacherSection(source=str(checkpoints.get(name, name)), **options) for name in names]
    return load_teachers(found, mode, TAGS, dropout=dropout, seed=seed, task="tagging")


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_outputs(checkpoints, kind):
    (teacher,) = load(checkpoints, kind)
    outputs = teacher(tagged(), layers=[1, LAYERS])
    check_words(outputs, outputs.hidden[LAYERS])
    expected = teacher.head.prediction(outputs.hidden[LAYERS][0, 3])
    assert torch.allclose(outputs.logits[0, 1], expected, atol=1e-6)
    assert teacher_parameters(teacher) == teacher.info.parameters + 16 * CLASSES + CLASSES
    check_padding(teacher)


def test_queries_come_along(checkpoints):
    (teacher,) = load(checkpoints, "bert")
    assert teacher(tagged(), qkv=[2]).qkv[2].shape == (3, 10, 3, 16)


def test_separate_teachers_have_their_own_heads(checkpoints):
    first, second = load(checkpoints, "bert", "wide")
    assert isinstance(first.head, TokenHead) and first.head is not second.head
    assert (first.head.width, second.head.width) == (16, 24)
    other, _ = load(checkpoints, "bert", "bert", seed=2)
    assert not torch.equal(first.head.prediction.weight, other.head.prediction.weight)
    assert torch.equal(first.head.prediction.weight, load(checkpoints, "bert")[0].head.prediction.weight)


def test_cofinetuned_teachers_share_one_head_and_both_train_it(checkpoints):
    found = load(checkpoints, "bert", "wide", mode="cofinetune", dropout=0.0)
    assert found[0].head is found[1].head and isinstance(found[0].head, TokenHead)
    assert [teacher.width_map.out_features for teacher in found] == [24, 24]
    assert [teacher(tagged()).pooled.shape for teacher in found] == [(3, 6, 24)] * 2
    weight = found[0].head.prediction.weight
    gradients = []
    for teacher in found:
        weight.grad = None
        teacher(tagged()).logits.square().sum().backward()
        gradients.append(weight.grad.clone())
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in teacher.encoder.parameters())
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    assert not torch.allclose(*gradients)
    # Words of no piece are zero although the width map has a bias.
    assert not found[0](tagged()).pooled[0, 2].any()


def test_dropout_of_the_head(checkpoints):
    assert load(checkpoints, "bert")[0].head.dropout.p == 0.1
    assert load(checkpoints, "bert", dropout=0.3)[0].head.dropout.p == 0.3


@pytest.mark.parametrize("mode", ["separate", "cofinetune"])
def test_they_come_back_from_disk(checkpoints, tmp_path, mode):
    trained, fresh = load(checkpoints, "bert", "wide", mode=mode), load(checkpoints, "bert", "wide", mode=mode, seed=2)
    save_teachers(trained, tmp_path)
    load_teacher_states(fresh, tmp_path)
    for before, after in zip(trained, fresh, strict=True):
        assert torch.equal(before(tagged()).logits, after(tagged()).logits)


def test_unknown_tasks(checkpoints):
    with pytest.raises(ValueError, match="parsing"):
        load_teachers([TeacherSection(source="nowhere")], "separate", TAGS, dropout=None, seed=1, task="parsing")


# ---- as they are


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_ready_taggers_answer_in_the_datas_tags(tmp_path, kind):
    folder = write_tagger(tmp_path / kind, kind)
    (teacher,) = load({}, str(folder), mode="as_is")
    assert teacher.columns.tolist() == COLUMNS
    batch = tagged()
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.mask.long()}
    if kind in ("bert", "albert", "electra"):
        inputs["token_type_ids"] = batch.type_ids
    plain = AutoModelForTokenClassification.from_pretrained(folder).eval()(**inputs).logits[..., COLUMNS]
    outputs = teacher(batch, layers=[LAYERS])
    check_words(outputs, outputs.hidden[LAYERS])
    assert torch.allclose(outputs.logits[2, 2], plain[2, 5], atol=1e-5)
    assert torch.allclose(outputs.logits[0, 3], plain[0, 4], atol=1e-5)
    assert teacher_parameters(teacher) == teacher.info.total_parameters == count_parameters(teacher.model)
    check_padding(copy.deepcopy(teacher))


def test_a_mapping_gives_names_to_placeholders(tmp_path):
    folder = write_tagger(tmp_path / "nameless", names=[f"LABEL_{i}" for i in range(CLASSES)])
    with pytest.raises(CheckpointError, match="LABEL_0") as caught:
        load({}, str(folder), mode="as_is")
    assert caught.value.field == "teachers.0.label_mapping"
    mapping = {f"LABEL_{i}": tag for i, tag in enumerate(TAGS[::-1])}
    (teacher,) = load({}, str(folder), mode="as_is", label_mapping=mapping)
    assert teacher.columns.tolist() == [4, 3, 2, 1, 0]


def test_a_sequence_classifier_is_no_tagger_and_the_other_way_round(checkpoints, tmp_path):
    with pytest.raises(CheckpointError, match="tags words") as caught:
        load(checkpoints, "classifier", mode="as_is")
    assert caught.value.field == "teachers.0.source"
    folder = write_tagger(tmp_path / "tagger")
    assert inspect(str(folder)).is_tagger
    with pytest.raises(CheckpointError, match="no classification layer"):
        load_teachers([TeacherSection(source=str(folder))], "as_is", TAGS, dropout=None, seed=1)
