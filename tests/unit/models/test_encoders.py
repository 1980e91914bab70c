import pytest
import torch

from distill_core.errors import CheckpointError
from distill_core.families import FAMILIES
from distill_core.models.base import seeded
from distill_core.models.encoders import (
    attention_heads,
    load_classifier,
    load_config,
    model_inputs,
    recorded_qkv,
    run_encoder,
    supports_qkv,
)
from tests.unit import tiny_checkpoints as tiny
from tests.unit.models.conftest import IDS, KINDS, LAYERS, batch_of, load, write_checkpoint

ATTENTIVE = {"bert", "roberta", "xlm-roberta", "distilbert", "electra"}


def projections(encoder, kind, layer):
    if kind == "distilbert":
        attention = encoder.transformer.layer[layer - 1].attention
        return attention.q_lin, attention.k_lin, attention.v_lin
    attention = encoder.encoder.layer[layer - 1].attention.self
    return attention.query, attention.key, attention.value


@pytest.mark.parametrize("kind", sorted(ATTENTIVE))
@torch.no_grad()
def test_qkv_are_the_projections_of_what_the_layer_reads(teachers, kind):
    encoder = teachers[kind].encoder
    _, hidden, found = run_encoder(encoder, batch_of(IDS), layers=range(LAYERS + 1), qkv=[3, 1])
    assert sorted(found) == [1, 3]
    for layer, three in found.items():
        assert three.shape == (3, 10, 3, 16)
        for place, linear in enumerate(projections(encoder, kind, layer)):
            expected = hidden[layer - 1] @ linear.weight.T + linear.bias
            assert torch.allclose(three[:, :, place], expected, atol=1e-6)


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
@torch.no_grad()
def test_scores_reproduce_the_attention_wherever_they_are_offered(model_type):
    """Over all families: an encoder whose attention queries and keys alone do not tell must not claim support."""
    with seeded(3, model_type):
        encoder = tiny.build(model_type).eval()
        for parameter in encoder.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    encoder.set_attn_implementation("eager")
    batch = batch_of(IDS)
    if not supports_qkv(encoder):
        assert model_type not in ATTENTIVE
        with pytest.raises(CheckpointError, match="queries") as caught:
            run_encoder(encoder, batch, qkv=[2])
        assert caught.value.field == "objective.matching"
        assert attention_heads(encoder) == 2
        return
    with recorded_qkv(encoder, [1, 2, 3]) as found:
        outputs = encoder(
            input_ids=batch.input_ids, attention_mask=batch.mask.long(), output_attentions=True, return_dict=True
        )
    heads = attention_heads(encoder)
    for layer, three in found.items():
        query, key, _ = three.unflatten(-1, (heads, -1)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        shares = scores.masked_fill(~batch.mask[:, None, None, :], float("-inf")).softmax(dim=-1)
        real = batch.mask[:, None, :, None].expand_as(shares)
        assert outputs.attentions[layer - 1].shape == shares.shape
        assert torch.allclose(shares[real], outputs.attentions[layer - 1][real], atol=1e-5)


def test_which_kinds_hand_them_out(teachers):
    assert {kind for kind in KINDS if supports_qkv(teachers[kind].encoder)} == ATTENTIVE
    assert {attention_heads(teachers[kind].encoder) for kind in KINDS} == {2}
    with pytest.raises(CheckpointError):
        teachers["albert"](batch_of(IDS), qkv=[LAYERS])


def test_only_wanted_layers_are_watched_and_none_afterwards(teachers):
    encoder = teachers["bert"].encoder
    linears = [projections(encoder, "bert", layer) for layer in range(1, LAYERS + 1)]
    with recorded_qkv(encoder, [2]):
        assert [[len(part._forward_hooks) for part in three] for three in linears] == [
            [0] * 3,
            [1] * 3,
            [0] * 3,
            [0] * 3,
        ]
        encoder(**model_inputs(encoder, batch_of(IDS)))
    assert not any(part._forward_hooks for three in linears for part in three)
    with pytest.raises(RuntimeError, match="stopped"), recorded_qkv(encoder, [2]):
        raise RuntimeError("stopped")
    assert not any(part._forward_hooks for three in linears for part in three)
    assert teachers["bert"](batch_of(IDS)).qkv == {}


@pytest.mark.parametrize(("layer", "message"), [(0, "layer 0"), (-1, "no layer -1"), (LAYERS + 1, "no layer 5")])
def test_layers_without_attention(teachers, layer, message):
    with pytest.raises(ValueError, match=message):
        teachers["bert"](batch_of(IDS), qkv=[layer])


@torch.no_grad()
def test_ready_teachers_hand_them_out_too(checkpoints):
    teacher = load(checkpoints["classifier"], "as_is")
    outputs = teacher(batch_of(IDS), layers=[1], qkv=[2])
    key = projections(teacher.encoder, "bert", 2)[1]
    assert torch.allclose(outputs.qkv[2][:, :, 1], key(outputs.hidden[1]), atol=1e-6)


def test_cut_teachers_count_their_own_layers(checkpoints):
    teacher = load(checkpoints["bert"], keep_layers=2)
    assert sorted(teacher(batch_of(IDS), qkv=[1, 2]).qkv) == [1, 2]
    with pytest.raises(ValueError, match="no layer 3"):
        teacher(batch_of(IDS), qkv=[3])


def test_a_model_type_without_token_classifier(tmp_path):
    folder = write_checkpoint(tmp_path / "tagger", "bert")
    config = load_config(folder)
    config.__class__ = type("NoConfig", (type(config),), {})
    with pytest.raises(CheckpointError, match="cannot tag words"):
        load_classifier(folder, config, unit="word")
