import numpy as np
import pytest
import torch
from torch import nn
from transformers import RobertaModel

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters
from distill_core.models.encoders import word_embedding
from distill_core.models.initialise import truncated_svd
from distill_core.models.prune import renumber
from distill_core.models.saving import load_student, save_student
from distill_core.models.students import build_student
from distill_core.shapes import student_parameters
from tests.unit.models.conftest import IDS, KINDS, LAYERS, batch_of

SMALL = {"layers": 2, "hidden": 8, "heads": 2}
SECTIONS = [
    TransformerStudent(**SMALL),
    TransformerStudent(**SMALL, initialise="svd", intermediate=12),
    TransformerStudent(layers=3, initialise="teacher_layers"),
    BiLSTMStudent(embedding=6, lstm_hidden=5, initialise="svd"),
    BiLSTMStudent(embedding=6, lstm_hidden=5, lstm_layers=2, projection=7),
    TransformerStudent(**SMALL, embedding=3),
    TransformerStudent(layers=2, hidden=24, heads=2, initialise="svd", embedding=3),
    TransformerStudent(layers=6, initialise="teacher_layers", layer_choice="remap", embedding=5),
]
SEEN = np.array([[2, 7, 9, 11, 3], [2, 12, 7, 3, 0]])


def name_of(section):
    options = [section.kind, section.initialise]
    if isinstance(section, TransformerStudent) and section.embedding:
        options.append("factorised")
    return "-".join(options)


def build(section, teacher, seed=1, max_tokens=32, **more):
    return build_student(section, teachers=[teacher], classes=3, max_tokens=max_tokens, seed=seed, **more)


@pytest.mark.parametrize("vocabulary", ["full", "seen"])
@pytest.mark.parametrize("section", SECTIONS, ids=name_of)
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_equal_the_arithmetic(teachers, kind, section, vocabulary):
    section = section.model_copy(update={"vocabulary": vocabulary})
    student = build(section, teachers[kind], seen=SEEN)
    pieces = len(student.tokenizer)
    assert (pieces < len(teachers[kind].tokenizer)) == (vocabulary == "seen")

    def counted(**known):
        return student_parameters(section, init_teacher=teachers[kind].info, classes=3, max_tokens=32, **known)

    assert count_parameters(student) == counted(vocab_size=pieces)
    assert counted() >= count_parameters(student), "an upper bound until the pieces are known"
    assert counted(task="tagging") == counted()


@pytest.mark.parametrize("section", SECTIONS, ids=name_of)
def test_taggers_have_the_same_sizes(teachers, section):
    student = build(section, teachers["bert"], task="tagging")
    assert student.task == "tagging"
    assert count_parameters(student) == count_parameters(build(section, teachers["bert"]))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_student_of_any_teachers_layers(teachers, kind):
    student = build(SECTIONS[2], teachers[kind])
    assert (student.layers, student.width, student.pooled_width) == (3, 16, 16)
    short, long = student(batch_of(IDS), layers=range(4)), student(batch_of(IDS, pad_to=16))
    assert len(short.hidden) == 4
    assert torch.allclose(short.logits, long.logits, atol=1e-5)
    assert torch.equal(short.pooled, short.hidden[3][:, 0])


@torch.no_grad()
def test_own_sizes(teachers):
    student = build(SECTIONS[0], teachers["roberta"], max_tokens=100)
    outputs = student(batch_of(IDS), layers=[0, 1, 2])
    assert outputs.logits.shape == (3, 3)
    assert [outputs.hidden[k].shape for k in range(3)] == [(3, 10, 8)] * 3
    assert torch.allclose(outputs.logits, student(batch_of(IDS, pad_to=16)).logits, atol=1e-5)
    assert student.encoder.config.max_position_embeddings == 100
    assert student.encoder.config.intermediate_size == 32
    assert student.encoder.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("section", SECTIONS, ids=name_of)
def test_equal_seeds_give_equal_students(teachers, section):
    torch.manual_seed(1)
    first = build(section, teachers["bert"])
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = build(section, teachers["bert"])
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor), name
    other = build(section, teachers["bert"], seed=2)
    assert any(not torch.equal(other.state_dict()[name], tensor) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_dropout_is_the_students_own(teachers, kind):
    student = build(TransformerStudent(layers=2, initialise="teacher_layers", dropout=0.35), teachers[kind])
    assert {part.p for part in student.modules() if isinstance(part, nn.Dropout)} == {0.35}
    assert {part.p for part in teachers[kind].encoder.modules() if isinstance(part, nn.Dropout)} <= {0.0, 0.1}


def test_training_the_student_leaves_the_teacher_alone(teachers):
    teacher = teachers["bert"]
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    student = build(SECTIONS[2], teacher)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(teacher.state_dict()[name], tensor) for name, tensor in before.items())
    assert teacher.encoder.config.num_hidden_layers == LAYERS


def test_the_chosen_teacher_gives_tokenizer_and_vocabulary(teachers):
    section = BiLSTMStudent(embedding=6, lstm_hidden=5, init_teacher=2)
    pair = [teachers["bert"], teachers["xlm-roberta"]]
    student = build_student(section, teachers=pair, classes=3, max_tokens=32, seed=1)
    assert student.tokenizer is pair[1].tokenizer
    assert student.embedding.num_embeddings == pair[1].info.vocab_size


@pytest.mark.parametrize(
    ("section", "field"),
    [
        (TransformerStudent(layers=5, initialise="teacher_layers"), "student.layers"),
        (TransformerStudent(layers=2, hidden=32, heads=2, initialise="svd"), "student.hidden"),
        (BiLSTMStudent(embedding=17, lstm_hidden=5, initialise="svd"), "student.embedding"),
        (TransformerStudent(layers=2, hidden=32, heads=2, initialise="svd", embedding=17), "student.embedding"),
        (TransformerStudent(layers=2, initialise="teacher_layers", embedding=16), "student.embedding"),
        (BiLSTMStudent(init_teacher=2), "student.init_teacher"),
    ],
)
def test_what_the_teacher_cannot_give(teachers, section, field):
    with pytest.raises(CheckpointError) as caught:
        build(section, teachers["bert"])
    assert caught.value.field == field


def test_copied_positions_limit_the_input(teachers):
    with pytest.raises(CheckpointError) as caught:
        build(SECTIONS[2], teachers["roberta"], max_tokens=66)
    assert caught.value.field == "data.max_tokens"
    build(SECTIONS[2], teachers["roberta"], max_tokens=65)


# ---------------------------------------------------------------- fewer pieces, factorised embeddings


def seen_by(teacher, texts=("where is my parcel", "refund the money now")):
    return np.concatenate([teacher.tokenizer(text)["input_ids"] for text in texts])


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_pruned_copy_computes_what_the_full_one_does(teachers, kind):
    teacher = teachers[kind]
    section = TransformerStudent(layers=3, initialise="teacher_layers")
    full = build(section, teacher)
    pruned = build(section.model_copy(update={"vocabulary": "seen"}), teacher, seen=seen_by(teacher))
    assert full.kept_ids is None and full.tokenizer is teacher.tokenizer
    kept = pruned.kept_ids
    assert len(kept) == len(pruned.tokenizer) == pruned.encoder.config.vocab_size < len(full.tokenizer)
    assert torch.equal(word_embedding(pruned.encoder), word_embedding(teacher.encoder)[torch.from_numpy(kept)])
    assert pruned.encoder.config.pad_token_id == pruned.tokenizer.pad_token_id
    ids = teacher.tokenizer("where is the refund")["input_ids"]
    new = pruned.tokenizer("where is the refund")["input_ids"]
    assert np.array_equal(renumber(np.array(ids), kept), new)
    before, after = full(batch_of([ids, ids[:4]])), pruned(batch_of([new, new[:4]]))
    # The predictions are new; all before them is the teacher's.
    assert torch.allclose(after.pooled, before.pooled, atol=1e-6)


@pytest.mark.parametrize("kind", ["bert", "albert", "roberta"])
def test_pruned_svd_embeddings_are_rows_of_the_full_ones(teachers, kind):
    for section, get in (
        (BiLSTMStudent(embedding=6, lstm_hidden=5, initialise="svd"), lambda s: s.embedding.weight),
        (TransformerStudent(**SMALL, initialise="svd"), lambda s: word_embedding(s.encoder)),
        (TransformerStudent(**SMALL, initialise="svd", embedding=4), lambda s: word_embedding(s.encoder)),
    ):
        full = build(section, teachers[kind])
        pruned = build(section.model_copy(update={"vocabulary": "seen"}), teachers[kind], seen=SEEN)
        assert torch.equal(get(pruned), get(full)[torch.from_numpy(pruned.kept_ids)])
        assert pruned.tokenizer.pad_token_id == pruned.architecture.get("padding_id", pruned.tokenizer.pad_token_id)


@pytest.mark.parametrize("vocabulary", ["full", "seen"])
@pytest.mark.parametrize("kind", ["bert", "albert", "modernbert"])
@torch.no_grad()
def test_factors_of_copied_layers_are_the_best_approximation(teachers, kind, vocabulary):
    teacher = teachers[kind]
    section = TransformerStudent(layers=3, initialise="teacher_layers", embedding=5, vocabulary=vocabulary)
    student = build(section, teacher, seen=SEEN)
    matrix = word_embedding(teacher.encoder).double().numpy()
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    best = (left[:, :5] * values[:5]) @ right[:5]
    embedding = student.encoder.get_input_embeddings()
    assert embedding.rank == student.architecture["factorised"] == 5
    assert np.allclose(embedding.product().numpy(), best if vocabulary == "full" else best[student.kept_ids], atol=1e-5)
    for name, tensor in student.encoder.state_dict().items():
        if "word_embeddings" not in name and "tok_embeddings" not in name:
            assert torch.equal(tensor, teacher.encoder.state_dict()[name]), name


@pytest.mark.parametrize("hidden", [8, 16, 24])
@torch.no_grad()
def test_factors_of_an_svd_keep_what_the_best_approximation_says(teachers, hidden):
    """At the teacher's own width the product is the approximation, at others a rotation of it."""
    section = TransformerStudent(layers=1, hidden=hidden, heads=2, initialise="svd", embedding=5)
    product = build(section, teachers["bert"]).encoder.get_input_embeddings().product().double()
    table, directions = truncated_svd(word_embedding(teachers["bert"].encoder), 5)
    best = table @ directions.T
    assert product.shape == (len(best), hidden)
    assert torch.allclose(product @ product.T, best @ best.T, atol=1e-4)
    assert torch.allclose(product, best, atol=1e-5) if hidden == 16 else product.shape != best.shape


@pytest.mark.parametrize("section", [*SECTIONS[3:5], *SECTIONS[5:]], ids=name_of)
@torch.no_grad()
def test_small_students_are_saved_and_loaded(teachers, section, tmp_path):
    student = build(section.model_copy(update={"vocabulary": "seen"}), teachers["bert"], seen=SEEN)
    save_student(student, tmp_path / "student", labels=["a", "b", "c"], max_tokens=32)
    loaded, _, _ = load_student(tmp_path / "student")
    assert loaded.tokenizer.get_vocab() == student.tokenizer.get_vocab()
    assert loaded.architecture == student.architecture
    assert torch.equal(loaded(batch_of([[2, 5, 6, 3]])).logits, student(batch_of([[2, 5, 6, 3]])).logits)


def test_positions_counted_from_the_padding_id_keep_it(tmp_path):
    """RoBERTa's first position is the padding id + 1: with another id, every position would be another's."""
    from tests.unit.models.conftest import load, make_config, make_tokenizer

    tokenizer = make_tokenizer()
    tokenizer.pad_token = "money"  # an ordinary piece with ordinary ones before it
    config = make_config("roberta", len(tokenizer))
    config.pad_token_id, config.max_position_embeddings = tokenizer.pad_token_id, 100
    RobertaModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    section = TransformerStudent(layers=2, initialise="teacher_layers", vocabulary="seen")
    student = build(section, load(tmp_path), seen=np.array([7, 30]))
    assert student.tokenizer.pad_token_id == student.encoder.config.pad_token_id == tokenizer.pad_token_id > 5
    own = TransformerStudent(**SMALL, vocabulary="seen")
    assert build(own, load(tmp_path), seen=np.array([7, 30])).tokenizer.pad_token_id < tokenizer.pad_token_id


def test_a_pruned_vocabulary_needs_to_know_what_was_seen(teachers):
    with pytest.raises(ValueError, match="seen"):
        build(BiLSTMStudent(vocabulary="seen"), teachers["bert"])


def test_a_piece_without_an_embedding(checkpoints):
    from tests.unit.models.conftest import load

    teacher = load(checkpoints["bert"])
    teacher.tokenizer.add_special_tokens({"extra_special_tokens": ["<late>"]})
    with pytest.raises(CheckpointError, match="<late>") as caught:
        build(BiLSTMStudent(vocabulary="seen", initialise="random"), teacher, seen=SEEN)
    assert caught.value.field == "student.vocabulary"
