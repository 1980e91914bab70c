"""The last layer for one token says of it what the whole layer says."""

import pytest
import torch
from transformers import AutoConfig, BertConfig, DistilBertConfig, ElectraConfig, RobertaConfig

from distill_core.models import first_token
from distill_core.models.encoders import layer_prefix, new_encoder, run_encoder
from distill_core.models.fast import shortcuts
from distill_core.models.types import Batch

SMALL = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
KINDS = {
    "bert": BertConfig(**SMALL),
    "roberta": RobertaConfig(**SMALL, max_position_embeddings=20),
    "electra": ElectraConfig(**SMALL, embedding_size=8),
    "distilbert": DistilBertConfig(vocab_size=30, dim=8, n_layers=2, n_heads=2, hidden_dim=12),
}


def batch() -> Batch:
    torch.manual_seed(3)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]).bool()
    ids = torch.randint(3, 30, mask.shape).masked_fill(~mask, 1)
    return Batch(ids, mask, None, torch.zeros_like(ids))


@pytest.fixture(params=list(KINDS))
def encoder(request):
    torch.manual_seed(1)
    return new_encoder(KINDS[request.param]).eval()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_values_and_gradients_equal_the_whole_layer_s(encoder, attention):
    encoder.set_attn_implementation(attention)
    found = []
    for fast in (False, True):
        encoder.zero_grad(set_to_none=True)
        if fast:
            with shortcuts():
                states = run_encoder(encoder, batch(), first_only=True)[0]
            assert states.shape == (3, 1, 8)
        else:
            states = run_encoder(encoder, batch(), first_only=True)[0]
            assert states.shape == (3, 5, 8)
        (states[:, 0] * torch.arange(8.0)).sum().backward()
        found.append((states[:, 0].detach(), {n: p.grad for n, p in encoder.named_parameters()}))
    (whole, of_whole), (short, of_short) = found
    torch.testing.assert_close(short, whole, rtol=1e-5, atol=1e-6)
    for name, gradient in of_whole.items():
        if gradient is not None:
            torch.testing.assert_close(of_short[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_lower_layers_can_be_asked_for_beside_it(encoder):
    with shortcuts():
        states, hidden, _ = run_encoder(encoder, batch(), layers=(0, 1), first_only=True)
    _, whole, _ = run_encoder(encoder, batch(), layers=(0, 1))
    assert states.shape[1] == 1
    for layer in (0, 1):
        torch.testing.assert_close(hidden[layer], whole[layer])


def test_the_last_layer_asked_for_is_whole(encoder):
    with shortcuts():
        assert run_encoder(encoder, batch(), layers=(2,), first_only=True)[0].shape == (3, 5, 8)
        assert run_encoder(encoder, batch(), first_only=False)[0].shape == (3, 5, 8)
        if first_token.can_shorten(encoder.config):
            assert run_encoder(encoder, batch(), qkv=(2,), first_only=True)[0].shape == (3, 5, 8)


def test_the_layer_is_itself_again_afterwards(encoder):
    with shortcuts():
        run_encoder(encoder, batch(), first_only=True)
    assert all("forward" not in vars(part) for part in encoder.modules())


def test_attention_dropout_acts_in_training_alone(encoder):
    for part in encoder.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    attention = encoder.get_submodule(layer_prefix(encoder))[-1].attention
    getattr(attention, "self", attention).dropout.p = 0.5
    given = batch()

    def said() -> torch.Tensor:
        with shortcuts():
            return run_encoder(encoder, given, first_only=True)[0]

    assert torch.equal(said(), said())
    encoder.train()
    assert not torch.equal(said(), said())


def test_unknown_kinds_run_as_always():
    assert not first_token.can_shorten(AutoConfig.for_model("albert"))
    assert not first_token.can_shorten(BertConfig(is_decoder=True))
