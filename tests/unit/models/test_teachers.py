import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForSequenceClassification

from distill_core.config import TeacherSection
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters
from distill_core.models.encoders import run_encoder, takes_types, usable_positions
from distill_core.models.teachers import load_teachers, teacher_parameters
from tests.unit.models.conftest import IDS, KINDS, LABELS, LAYERS, batch_of, load, write_checkpoint


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_outputs(teachers, kind):
    teacher = teachers[kind]
    outputs = teacher(batch_of(IDS), layers=range(LAYERS + 1))
    assert (teacher.layers, teacher.width, teacher.pooled_width) == (LAYERS, 16, 16)
    assert outputs.logits.shape == (3, 3)
    assert outputs.pooled.shape == (3, 16)
    assert sorted(outputs.hidden) == list(range(LAYERS + 1))
    assert all(states.shape == (3, 10, 16) for states in outputs.hidden.values())
    last, _, _ = run_encoder(teacher.encoder, batch_of(IDS))
    assert torch.equal(outputs.hidden[LAYERS], last)
    assert teacher(batch_of(IDS)).hidden == {}


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_padding_changes_nothing(teachers, kind):
    teacher = teachers[kind]
    short, long = batch_of(IDS), batch_of(IDS, pad_to=17)
    first, second = teacher(short, layers=[2, LAYERS]), teacher(long, layers=[2, LAYERS])
    assert torch.allclose(first.logits, second.logits, atol=1e-5)
    assert torch.allclose(first.pooled, second.pooled, atol=1e-5)
    for layer in (2, LAYERS):
        assert torch.allclose(first.hidden[layer][short.mask], second.hidden[layer][:, :10][short.mask], atol=1e-5)
    for row, ids in enumerate(IDS):
        assert torch.allclose(teacher(batch_of([ids])).pooled[0], first.pooled[row], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_keep_layers_is_the_full_model_stopped_early(checkpoints, teachers, kind):
    full, cut = teachers[kind], load(checkpoints[kind], keep_layers=2)
    assert cut.layers == 2 == cut.info.layers
    states = full(batch_of(IDS), layers=[0, 1, 2]).hidden
    kept = cut(batch_of(IDS), layers=[0, 1, 2]).hidden
    # ModernBERT hands out its last states after a final norm, the states of earlier layers before it.
    expected = full.encoder.final_norm(states[2]) if kind == "modernbert" else states[2]
    assert torch.allclose(kept[2], expected, atol=1e-6)
    assert torch.equal(kept[1], states[1])
    assert count_parameters(cut.encoder) == cut.info.parameters


@pytest.mark.parametrize("kind", KINDS)
def test_encoder_parameters_equal_what_inspection_says(teachers, kind):
    assert count_parameters(teachers[kind].encoder) == teachers[kind].info.parameters


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_replaced_everywhere(checkpoints, kind):
    dropped = load(checkpoints[kind], dropout=0.0).train()
    assert {part.p for part in dropped.modules() if isinstance(part, nn.Dropout)} == {0.0}
    with torch.no_grad():
        trained = dropped(batch_of(IDS)).logits
        assert torch.equal(trained, dropped.eval()(batch_of(IDS)).logits)
    strong = load(checkpoints[kind], dropout=0.4).train()
    assert {part.p for part in strong.modules() if isinstance(part, nn.Dropout)} == {0.4}
    if kind == "modernbert":
        assert {layer.attn.attention_dropout for layer in strong.encoder.layers} == {0.4}


def test_types_go_only_to_models_with_two_of_them(teachers):
    assert {kind for kind in KINDS if takes_types(teachers[kind].encoder)} == {"bert", "electra", "albert"}
    typed = batch_of(IDS)
    untyped = batch_of(IDS)
    untyped.type_ids = None
    with torch.no_grad():
        for kind in KINDS:
            same = torch.equal(teachers[kind](typed).pooled, teachers[kind](untyped).pooled)
            assert same == (not takes_types(teachers[kind].encoder))


def test_longest_inputs(teachers):
    limits = {kind: usable_positions(teachers[kind].encoder) for kind in KINDS}
    assert limits["bert"] == limits["distilbert"] == limits["electra"] == limits["albert"] == 66
    assert limits["roberta"] == limits["xlm-roberta"] == 65
    assert limits["deberta-v2"] is limits["modernbert"] is None
    with torch.no_grad():
        teachers["roberta"](batch_of([[2] + [7] * 63 + [3]]))


def test_layers_that_do_not_exist_are_refused(teachers):
    with pytest.raises(ValueError, match="no layer"):
        teachers["bert"](batch_of(IDS), layers=[-1])
    with pytest.raises(ValueError, match="no layer 5"):
        teachers["bert"](batch_of(IDS), layers=[5])


# ---- new layers


def sections(checkpoints, *names, **options):
    return [TeacherSection(source=str(checkpoints[name]), **options) for name in names]


def test_separate_teachers_have_their_own_heads(checkpoints):
    first, second = load_teachers(sections(checkpoints, "bert", "wide"), "separate", LABELS, dropout=None, seed=1)
    assert first.head is not second.head
    assert (first.head.width, second.head.width) == (16, 24)
    assert first.width_map is None is second.width_map
    assert teacher_parameters(first) == first.info.parameters + 16 * 200 + 400 + 16 * 3 + 3


def test_cofinetuned_teachers_share_one_head_and_both_train_it(checkpoints):
    found = load_teachers(sections(checkpoints, "bert", "wide"), "cofinetune", LABELS, dropout=0.0, seed=1)
    assert found[0].head is found[1].head
    assert found[0].head.width == 24 == found[0].pooled_width == found[1].pooled_width
    head = 24 * 200 + 400 + 24 * 3 + 3
    assert teacher_parameters(found[0]) == found[0].info.parameters + 16 * 24 + 24 + head
    assert teacher_parameters(found[1]) == found[1].info.parameters + 24 * 24 + 24 + head
    weight = found[0].head.prediction.weight
    gradients = []
    for teacher in found:
        weight.grad = None
        teacher(batch_of(IDS)).logits.square().sum().backward()
        gradients.append(weight.grad.clone())
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in teacher.encoder.parameters())
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    assert not torch.allclose(*gradients)


def test_equal_widths_need_no_map(checkpoints):
    found = load_teachers(sections(checkpoints, "bert", "roberta"), "cofinetune", LABELS, dropout=None, seed=1)
    assert [teacher.width_map for teacher in found] == [None, None]


def test_new_layers_depend_on_the_seed_alone(checkpoints):
    torch.manual_seed(1)
    alone = load(checkpoints["bert"])
    torch.manual_seed(2)
    state = torch.get_rng_state()
    first, _ = load_teachers(sections(checkpoints, "bert", "wide"), "separate", LABELS, dropout=None, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in alone.state_dict().items():
        assert torch.equal(first.state_dict()[name], tensor), name
    other = load(checkpoints["bert"], seed=2)
    assert not torch.equal(other.head.prediction.weight, alone.head.prediction.weight)


def test_names_are_unique(checkpoints):
    found = load_teachers(
        [*sections(checkpoints, "bert", "bert"), *sections(checkpoints, "bert", keep_layers=2)],
        "separate",
        LABELS,
        dropout=None,
        seed=1,
    )
    assert [teacher.name for teacher in found] == ["bert", "bert 2", "bert (2 layers)"]


# ---- as they are


@torch.no_grad()
def test_ready_columns_are_put_in_order_by_name(checkpoints):
    teacher = load(checkpoints["classifier"], "as_is")
    plain = AutoModelForSequenceClassification.from_pretrained(checkpoints["classifier"]).eval()
    batch = batch_of(IDS)
    expected = plain(
        input_ids=batch.input_ids,
        attention_mask=batch.mask.long(),
        token_type_ids=batch.type_ids,
        output_hidden_states=True,
    )
    outputs = teacher(batch, layers=[0, 3])
    assert torch.allclose(outputs.logits, expected.logits[:, [1, 2, 0]], atol=1e-6)
    assert torch.allclose(outputs.pooled, expected.hidden_states[-1][:, 0], atol=1e-6)
    assert torch.allclose(outputs.hidden[3], expected.hidden_states[3], atol=1e-6)
    assert teacher_parameters(teacher) == teacher.info.total_parameters == count_parameters(plain)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_every_kind_can_be_used_as_it_is(tmp_path, kind):
    folder = write_checkpoint(tmp_path / kind, kind, id2label=dict(enumerate(LABELS)))
    teacher = load(folder, "as_is")
    outputs = teacher(batch_of(IDS), layers=[LAYERS])
    padded = teacher(batch_of(IDS, pad_to=15))
    assert torch.allclose(outputs.logits, padded.logits, atol=1e-5)
    assert torch.equal(outputs.pooled, outputs.hidden[LAYERS][:, 0])


def test_ready_teachers_that_cannot_be_used(checkpoints):
    with pytest.raises(CheckpointError, match="no classification layer") as caught:
        load(checkpoints["bert"], "as_is")
    assert caught.value.field == "teachers.0.source"
    with pytest.raises(CheckpointError, match="LABEL_0") as caught:
        load(checkpoints["nameless"], "as_is")
    assert caught.value.field == "teachers.0.label_mapping"
    mapping = {"LABEL_0": "login", "LABEL_1": "delivery", "LABEL_2": "refund"}
    assert load(checkpoints["nameless"], "as_is", label_mapping=mapping).columns.tolist() == [2, 1, 0]


# ---- bad checkpoints


def test_too_many_layers(checkpoints):
    with pytest.raises(CheckpointError) as caught:
        load(checkpoints["bert"], keep_layers=5)
    assert caught.value.field == "teachers.0.keep_layers"
    with pytest.raises(CheckpointError) as caught:
        load(checkpoints["bert"] / "nowhere", keep_layers=2)
    assert caught.value.field == "teachers.0.source"


def test_missing_tensors_are_not_made_up(checkpoints, tmp_path):
    folder = tmp_path / "holes"
    shutil.copytree(checkpoints["bert"], folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert caught.value.field == "teachers.0.source"


def test_weights_that_do_not_fit_their_config(checkpoints, tmp_path):
    folder = tmp_path / "unfit"
    shutil.copytree(checkpoints["bert"], folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 20}))
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert caught.value.field == "teachers.0.source"


def test_a_broken_tokenizer(checkpoints, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(checkpoints["bert"], folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert caught.value.field == "teachers.0.source"


def test_albert_with_several_groups(tmp_path):
    from distill_core.models.encoders import choose_layers
    from tests.unit.models.conftest import make_config

    config = make_config("albert", 60)
    config.num_hidden_groups = 2
    with pytest.raises(CheckpointError, match="groups"):
        choose_layers(config, [0, 1, 2])
    choose_layers(config, [0, 1])
    assert (config.num_hidden_layers, config.num_hidden_groups) == (2, 1)


# ---------------------------------------------------------------- as pre-trained


@pytest.mark.parametrize("mode", ["separate", "cofinetune", "as_is"])
def test_one_that_stays_as_pretrained_has_no_head_and_changes_no_other(checkpoints, tmp_path, mode):
    folder = checkpoints["bert"]
    if mode == "as_is":
        folder = write_checkpoint(tmp_path / "ready", "bert", id2label=dict(enumerate(LABELS)))
    taught = TeacherSection(source=str(folder))
    bare = TeacherSection(source=str(folder), pretrained_only=True)
    pair = load_teachers([taught, bare], mode, LABELS, dropout=None, seed=1)
    alone = load_teachers([taught], mode, LABELS, dropout=None, seed=1)
    assert [teacher.name for teacher in pair] == [alone[0].name, f"{alone[0].name} (pre-trained)"]
    assert [teacher.answers for teacher in pair] == [True, False]
    assert all(torch.equal(a, b) for a, b in zip(pair[0].parameters(), alone[0].parameters(), strict=True))
    with torch.no_grad():
        outputs = pair[1](batch_of(IDS), layers=[1, LAYERS], qkv=[1])
        states, hidden, attention = run_encoder(pair[1].encoder, batch_of(IDS), [1, LAYERS], [1])
    assert outputs.logits.shape == (3, 0)
    assert torch.equal(outputs.pooled, states[:, 0])
    assert torch.equal(outputs.hidden[1], hidden[1]) and torch.equal(outputs.qkv[1], attention[1])
    assert count_parameters(pair[1]) == pair[1].info.parameters
