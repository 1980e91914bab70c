"""Mixtures: at λ = 1 and λ = 0 they are the texts themselves, whatever reads them; in between both have their share."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.families import FAMILIES
from distill_core.models.encoders import run_encoder
from distill_core.models.mixing import check_mixable, embed, mixture
from distill_core.models.students import build_student
from tests.unit.models.conftest import IDS, KINDS, batch_of, load
from tests.unit.tiny_checkpoints import build

#: each text is mixed with one of another length, once as the shorter and once as the longer one
PARTNERS = torch.tensor([1, 2, 0])


def pair():
    own = batch_of(IDS)
    return own, own.take(PARTNERS)


def check_limits(model, *, layers=(0, 1)):
    own, partner = pair()
    with torch.no_grad():
        for share, text in ((1.0, own), (0.0, partner)):
            plain, mixed = model(text, layers=layers), model(mixture(own, partner, share), layers=layers)
            torch.testing.assert_close(mixed.logits, plain.logits, rtol=0, atol=1e-6)
            torch.testing.assert_close(mixed.pooled, plain.pooled, rtol=0, atol=1e-6)
            for layer in layers:
                ours, theirs = mixed.hidden[layer][text.mask], plain.hidden[layer][text.mask]
                torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
        middle = model(mixture(own, partner, 0.5)).logits
        assert bool(((middle - model(own).logits).abs().amax(dim=1) > 1e-5).all())
        # Half and half has no order, but for token types, of which one text's have to be taken.
        own, partner = replace(own, type_ids=None), replace(partner, type_ids=None)
        one, other = model(mixture(own, partner, 0.5)), model(mixture(partner, own, 0.5))
        torch.testing.assert_close(one.logits, other.logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_teachers_of_every_kind_read_mixtures(teachers, kind):
    check_limits(teachers[kind])


@pytest.mark.parametrize("kind", ["classifier", "nameless"])
def test_finished_classifiers_read_mixtures(checkpoints, kind):
    mapping = {"label_mapping": {f"LABEL_{i}": n for i, n in enumerate(["refund", "delivery", "login"])}}
    check_limits(load(checkpoints[kind], "as_is", **(mapping if kind == "nameless" else {})))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_encoders_of_every_family_read_mixtures(family):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        encoder = build(family).eval()
        check_mixable(encoder)
        own, partner = pair()
        for share, text in ((1.0, own), (0.0, partner)):
            plain, mixed = run_encoder(encoder, text)[0], run_encoder(encoder, mixture(own, partner, share))[0]
            torch.testing.assert_close(mixed[text.mask], plain[text.mask], rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
def test_a_bilstm_reads_mixtures(teachers, pooling):
    section = BiLSTMStudent(embedding=6, lstm_hidden=5, lstm_layers=2, initialise="random", pooling=pooling)
    student = build_student(section, teachers=[teachers["bert"]], classes=3, max_tokens=32, seed=1).eval()
    check_limits(student, layers=(0, 1, 2))


@pytest.mark.parametrize("options", [{"embedding": 8}, {"initialise": "teacher_layers"}, {"initialise": "random"}])
def test_a_transformer_student_reads_mixtures(teachers, options):
    section = TransformerStudent(layers=2, hidden=16, heads=2, **options)
    student = build_student(section, teachers=[teachers["roberta"]], classes=3, max_tokens=32, seed=1).eval()
    check_limits(student)


def test_embeddings_are_mixed_and_padding_stands_where_a_text_has_ended():
    own, partner = pair()
    table = torch.randn(40, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = embed(mixture(own, partner, 0.25), lambda ids: table[ids])
    for row, other in enumerate(PARTNERS.tolist()):
        for place in range(max(len(ids) for ids in IDS)):
            a = table[IDS[row][place] if place < len(IDS[row]) else 0]
            b = table[IDS[other][place] if place < len(IDS[other]) else 0]
            torch.testing.assert_close(found[row, place], 0.25 * a + 0.75 * b)
    assert torch.equal(embed(own, lambda ids: table[ids]), table[own.input_ids])


def test_the_mask_is_that_of_all_texts_with_a_share():
    own, partner = pair()
    lengths = torch.tensor([len(ids) for ids in IDS])
    for share, real in (
        (1.0, lengths),
        (0.999, torch.maximum(lengths, lengths[PARTNERS])),
        (0.001, torch.maximum(lengths, lengths[PARTNERS])),
        (0.0, lengths[PARTNERS]),
    ):
        assert mixture(own, partner, share).mask.sum(dim=1).tolist() == real.tolist()


@pytest.mark.parametrize(("share", "larger"), [(0.7, 0), (0.3, 1)])
def test_token_types_are_those_of_the_larger_share(share, larger):
    own, partner = pair()
    made = mixture(own, partner, share)
    first, second = ((own, partner), (partner, own))[larger], ((partner, own), (own, partner))[larger]
    for name in ("type_ids", "words", "input_ids"):
        found = getattr(made, name)
        assert torch.equal(found[first[0].mask], getattr(first[0], name)[first[0].mask])
        beyond = second[0].mask & ~first[0].mask
        assert bool(beyond.any())
        assert torch.equal(found[beyond], getattr(second[0], name)[beyond])
    bare = mixture(replace(own, type_ids=None), replace(partner, type_ids=None), share)
    assert bare.type_ids is None


def test_both_texts_get_gradients_by_their_share(teachers):
    section = BiLSTMStudent(embedding=6, lstm_hidden=5, initialise="random")
    student = build_student(section, teachers=[teachers["bert"]], classes=3, max_tokens=32, seed=1).eval()
    own, partner = batch_of([[2, 7, 9, 3]]), batch_of([[2, 8, 10, 3]])
    student(mixture(own, partner, 0.8)).logits.sum().backward()
    gradient = student.embedding.weight.grad
    assert gradient is not None and bool(gradient.isfinite().all())
    # The pieces at one position share one gradient, split by λ.
    torch.testing.assert_close(gradient[8], 0.25 * gradient[7])
    torch.testing.assert_close(gradient[10], 0.25 * gradient[9])
    assert float(gradient[7].abs().sum()) > 0


def test_rows_of_a_mixture_are_mixtures_of_its_rows(teachers):
    own, partner = pair()
    rows = torch.tensor([2, 0])
    whole, part = mixture(own, partner, 0.4), mixture(own.take(rows), partner.take(rows), 0.4)
    with torch.no_grad():
        expected = teachers["bert"](part).logits
        torch.testing.assert_close(teachers["bert"](whole.take(rows).to("cpu")).logits, expected)


def test_what_cannot_be_mixed_is_refused():
    own, partner = pair()
    with pytest.raises(ValueError, match="shapes differ"):
        mixture(own, batch_of(IDS, pad_to=12), 0.5)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="λ"):
            mixture(own, partner, share)
    with pytest.raises(ValueError, match="again"):
        mixture(mixture(own, partner, 0.5), partner, 0.5)


def test_an_encoder_that_reads_pieces_alone_is_refused_by_name():
    class Deaf:
        class config:
            model_type = "deaf"

        def forward(self, input_ids, attention_mask):
            return input_ids

    with pytest.raises(CheckpointError, match="deaf encoder") as caught:
        check_mixable(Deaf())
    assert caught.value.field == "objective.matching.mixup"
